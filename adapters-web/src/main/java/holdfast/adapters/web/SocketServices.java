package holdfast.adapters.web;

import holdfast.adapters.web.metrics.Metrics;
import holdfast.application.Holdfast;

/** What sockets need of the application. */
record SocketServices(
    Holdfast application, TaskCalls calls, Rendering rendering, Metrics metrics) {}
