package bifrost.jmx;

import bifrost.security.ServerSecurity;
import com.sun.net.httpserver.Authenticator;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpPrincipal;

/** Accepts the users of a server with HTTP basic authentication. */
final class Login extends Authenticator {
  private static final HttpPrincipal CALLER = new HttpPrincipal("caller", "Bifrost");

  private final ServerSecurity security;

  Login(ServerSecurity security) {
    this.security = security;
  }

  @Override
  public Result authenticate(HttpExchange exchange) {
    if (security.accepts(exchange.getRequestHeaders().getFirst("Authorization"))) {
      return new Success(CALLER);
    }
    exchange.getResponseHeaders().set("WWW-Authenticate", ServerSecurity.CHALLENGE);
    return new Failure(401);
  }
}
