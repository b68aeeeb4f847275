package bifrost.search;

import bifrost.security.ServerSecurity;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.Optional;
import java.util.function.UnaryOperator;
import javax.net.ssl.SSLEngine;
import org.opensearch.client.node.NodeClient;
import org.opensearch.common.settings.Settings;
import org.opensearch.common.util.concurrent.ThreadContext;
import org.opensearch.core.rest.RestStatus;
import org.opensearch.http.HttpServerTransport;
import org.opensearch.plugins.ActionPlugin;
import org.opensearch.plugins.Plugin;
import org.opensearch.plugins.SecureHttpTransportSettingsProvider;
import org.opensearch.plugins.SecureSettingsFactory;
import org.opensearch.plugins.SecureTransportSettingsProvider;
import org.opensearch.plugins.TransportExceptionHandler;
import org.opensearch.rest.BytesRestResponse;
import org.opensearch.rest.RestChannel;
import org.opensearch.rest.RestHandler;
import org.opensearch.rest.RestRequest;
import org.opensearch.transport.Transport;

/** Requires TLS and a user of every request; the port for other nodes refuses everyone, because this node has no peers. */
public final class SecuredAccess extends Plugin implements ActionPlugin {
  /** The value of {@code http.type} and {@code transport.type} for a node with this plugin. */
  static final String TRANSPORT = "netty4-secure";

  private final ServerSecurity security;

  /** Called by the node. */
  public SecuredAccess() throws IOException, GeneralSecurityException {
    security = ServerSecurity.ofThisProcess().orElseThrow();
  }

  @Override
  public UnaryOperator<RestHandler> getRestHandlerWrapper(ThreadContext threadContext) {
    return LoginRequired::new;
  }

  @Override
  public Optional<SecureSettingsFactory> getSecureSettingFactory(Settings settings) {
    return Optional.of(new Tls());
  }

  private SSLEngine serverEngine(boolean needsClientCertificate) {
    SSLEngine engine = security.context().createSSLEngine();
    engine.setUseClientMode(false);
    engine.setNeedClientAuth(needsClientCertificate);
    return engine;
  }

  private final class LoginRequired extends RestHandler.Wrapper {
    private static final String REFUSAL =
        "{\"error\":{\"type\":\"security_exception\",\"reason\":\"user or password is missing or wrong\"},\"status\":401}";

    private LoginRequired(RestHandler handler) {
      super(handler);
    }

    @Override
    public void handleRequest(RestRequest request, RestChannel channel, NodeClient client) throws Exception {
      if (security.accepts(request.header("Authorization"))) {
        super.handleRequest(request, channel, client);
        return;
      }
      byte[] body = REFUSAL.getBytes(StandardCharsets.UTF_8);
      BytesRestResponse refusal = new BytesRestResponse(RestStatus.UNAUTHORIZED, "application/json", body);
      refusal.addHeader("WWW-Authenticate", ServerSecurity.CHALLENGE);
      channel.sendResponse(refusal);
    }
  }

  private final class Tls implements SecureSettingsFactory {
    @Override
    public Optional<SecureHttpTransportSettingsProvider> getSecureHttpTransportSettingsProvider(Settings settings) {
      return Optional.of(new HttpTls());
    }

    @Override
    public Optional<SecureTransportSettingsProvider> getSecureTransportSettingsProvider(Settings settings) {
      return Optional.of(new TransportTls());
    }
  }

  private final class HttpTls implements SecureHttpTransportSettingsProvider {
    @Override
    public Optional<TransportExceptionHandler> buildHttpServerExceptionHandler(
        Settings settings, HttpServerTransport transport) {
      return Optional.empty();
    }

    @Override
    public Optional<SSLEngine> buildSecureHttpServerEngine(Settings settings, HttpServerTransport transport) {
      return Optional.of(serverEngine(false));
    }
  }

  private final class TransportTls implements SecureTransportSettingsProvider {
    @Override
    public Optional<TransportExceptionHandler> buildServerTransportExceptionHandler(
        Settings settings, Transport transport) {
      return Optional.empty();
    }

    @Override
    public Optional<SSLEngine> buildSecureServerTransportEngine(Settings settings, Transport transport) {
      return Optional.of(serverEngine(true));
    }

    @Override
    public Optional<SSLEngine> buildSecureClientTransportEngine(Settings settings, String host, int port) {
      SSLEngine engine = security.context().createSSLEngine(host, port);
      engine.setUseClientMode(true);
      return Optional.of(engine);
    }
  }
}
