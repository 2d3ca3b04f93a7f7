package holdfast.bootstrap;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * The signals that ask the server to end. The JVM's own shutdown hooks would do, but they make the
 * exit code 143 and leave no way to see a second signal.
 *
 * <p>{@code sun.misc.Signal} is the JDK's only API for this. It is supported, in {@code
 * jdk.unsupported}, but the compiler warns of it in a way that cannot be silenced; so it is reached
 * by name.
 */
final class Signals {
  private static final List<String> ASKING = List.of("TERM", "INT", "HUP");

  private Signals() {}

  /**
   * Tells {@code first} the name of the first such signal, such as SIGTERM, on a thread of its own,
   * and {@code second} that of every other.
   */
  static void onEnd(Consumer<String> first, Consumer<String> second) {
    var seen = new AtomicInteger();
    Consumer<String> signalled =
        signal -> {
          if (seen.getAndIncrement() == 0) {
            Thread.ofPlatform().daemon().name("holdfast-signal").start(() -> first.accept(signal));
          } else {
            second.accept(signal);
          }
        };
    try {
      Class<?> signal = Class.forName("sun.misc.Signal");
      Class<?> handler = Class.forName("sun.misc.SignalHandler");
      Object handling =
          Proxy.newProxyInstance(
              Signals.class.getClassLoader(),
              new Class<?>[] {handler},
              (proxy, method, arguments) ->
                  switch (method.getName()) {
                    case "handle" -> {
                      signalled.accept(
                          "SIG"
                              + arguments[0].getClass().getMethod("getName").invoke(arguments[0]));
                      yield null;
                    }
                    case "hashCode" -> System.identityHashCode(proxy);
                    case "equals" -> false;
                    default -> "holdfast";
                  });
      for (String name : ASKING) {
        signal
            .getMethod("handle", signal, handler)
            .invoke(null, signal.getConstructor(String.class).newInstance(name), handling);
      }
    } catch (ClassNotFoundException
        | NoSuchMethodException
        | InstantiationException
        | IllegalAccessException
        | InvocationTargetException missing) {
      throw new IllegalStateException("this JVM lets nobody handle signals", missing);
    }
  }
}
