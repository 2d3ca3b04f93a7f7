package holdfast.adapters.web;

import holdfast.application.Holdfast;

/** What sockets need of the application. */
record SocketServices(Holdfast application, TaskCalls calls, Rendering rendering) {}
