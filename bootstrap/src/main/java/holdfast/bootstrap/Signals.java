package holdfast.bootstrap;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

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
   * Runs {@code first} at the first such signal, on a thread of its own, and {@code second} at the
   * next.
   */
  static void onEnd(Runnable first, Runnable second) {
    var seen = new AtomicInteger();
    Runnable signalled =
        () -> {
          if (seen.getAndIncrement() == 0) {
            Thread.ofPlatform().name("holdfast-shutdown").start(first);
          } else {
            second.run();
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
                      signalled.run();
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
