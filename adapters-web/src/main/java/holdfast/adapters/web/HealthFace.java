package holdfast.adapters.web;

import holdfast.application.HealthReport.Component;

/** What the events of the topic {@code health} look like. */
final class HealthFace implements CompactedSubscription.Face<Component> {
  @Override
  public String entity(String key) {
    return "component";
  }

  @Override
  public byte[] value(Component component) {
    return Rendering.json(ComponentCheck.named(component));
  }

  @Override
  public byte[] item(String key, Component component) {
    return value(component);
  }
}
