package holdfast.adapters.web;

import holdfast.application.SyncNote;

/** What the events of the topic {@code sync} look like: as what the REST calls answer. */
final class SyncFace implements CompactedSubscription.Face<SyncNote> {
  private static final String PROGRESS = "sync";

  private final SyncJson json;

  SyncFace(SyncJson json) {
    this.json = json;
  }

  @Override
  public String entity(String key) {
    return key.equals(PROGRESS) ? PROGRESS : "conflict";
  }

  @Override
  public byte[] value(SyncNote note) {
    return switch (note) {
      case SyncNote.Progress() -> json.status();
      case SyncNote.Edit(var conflict) -> json.conflict(conflict);
    };
  }

  /** Of two kinds in one list, so each says which it is. */
  @Override
  public byte[] item(String key, SyncNote note) {
    byte[] value = value(note);
    return new JsonBytes(64 + value.length)
        .ascii("{\"entity\":\"")
        .ascii(entity(key))
        .ascii("\",\"key\":")
        .text(key)
        .ascii(",\"value\":")
        .raw(value)
        .ascii("}")
        .toBytes();
  }
}
