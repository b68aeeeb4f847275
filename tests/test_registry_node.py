"""The schema registry's program with an application of the test: its port is never another program's."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from random import sample

import pytest
import requests

from bifrost import settings as project_settings
from bifrost.settings import PROJECT
from bifrost.supervisor.install.java import find_java
from bifrost.supervisor.ports import is_free
from tests.waiting import eventually

SOURCES = (PROJECT / "jvm" / "server-security", PROJECT / "jvm" / "registry")
APPLICATION = """
package io.quarkus.runner;

import com.sun.net.httpserver.HttpServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;

/** Like the registry's application: it listens on the property's port, and puts the port there if it was 0. */
public class GeneratedMain {
  private static ServerSocket other;

  public static void main(String[] arguments) throws Exception {
    InetAddress loopback = InetAddress.getByName("127.0.0.1");
    int port = Integer.getInteger("quarkus.http.port");
    if (port != 0) {
      other = new ServerSocket(port, 1, loopback); // another program was faster
    }
    System.in.read(); // it takes a while to start
    HttpServer server = HttpServer.create(new InetSocketAddress(loopback, port), 0);
    server.createContext("/", exchange -> {
      byte[] path = exchange.getRequestURI().getPath().getBytes();
      exchange.sendResponseHeaders(200, path.length);
      exchange.getResponseBody().write(path);
      exchange.close();
    });
    server.start();
    System.setProperty("quarkus.http.port", String.valueOf(server.getAddress().getPort()));
  }
}
"""


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """The program `java`, and the folder of the compiled classes."""
    settings = project_settings.load()
    java = find_java(settings, compiler=True)
    if java is None:
        pytest.skip("no Java compiler is installed")
    folder = tmp_path_factory.mktemp("classes")
    application = folder / "GeneratedMain.java"
    application.write_text(APPLICATION)
    # `StoreFailure` needs the classes of the database; the database makes it, and nothing else refers to it.
    found = [path for place in SOURCES for path in sorted((place / "src/main").rglob("*.java"))]
    sources = [str(path) for path in found if path.stem != "StoreFailure"]
    subprocess.run([f"{java.home}/bin/javac", "-d", str(folder), str(application), *sources], check=True)
    return java.program, folder


@pytest.fixture
def registry(classes: tuple[str, Path]) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The address of a registry that starts, and its process."""
    program, folder = classes
    port = next(port for port in sample(range(20_000, 32_000), 100) if is_free(port))
    command = [program, "-Xmx64m", "-XX:TieredStopAtLevel=1", "-cp", str(folder), "bifrost.registry.RegistryNode"]
    process = subprocess.Popen([*command, str(port)], stdin=subprocess.PIPE)
    try:
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.kill()
        process.communicate()


def test_a_registry_starts_although_other_programs_take_free_ports(registry):
    address, process = registry

    def answer() -> tuple[int, str]:
        try:
            found = requests.get(f"{address}/subjects", timeout=10)
        except requests.ConnectionError:
            assert process.poll() is None
            return 0, ""
        return found.status_code, found.text

    eventually(lambda: answer()[0] != 0)
    status, text = answer()
    assert (status, "is starting; retry" in text) == (503, True)
    process.stdin.write(b"\n")
    process.stdin.flush()
    eventually(lambda: answer() == (200, "/apis/ccompat/v7/subjects"))
