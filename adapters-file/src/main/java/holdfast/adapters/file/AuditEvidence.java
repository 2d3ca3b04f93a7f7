package holdfast.adapters.file;

import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.layout.AuditAnchor;
import holdfast.adapters.file.layout.Layout;
import holdfast.adapters.file.layout.Manifest;
import holdfast.adapters.file.layout.Manifests;
import holdfast.adapters.file.log.FileAuditTrail;
import holdfast.adapters.file.snapshot.DamagedSnapshotException;
import holdfast.adapters.file.snapshot.SnapshotFiles;
import holdfast.adapters.file.snapshot.SnapshotHeader;
import holdfast.adapters.file.snapshot.SnapshotName;
import holdfast.adapters.file.snapshot.SnapshotReader;
import holdfast.adapters.file.snapshot.UnknownSnapshotFormatException;
import holdfast.domain.port.AuditTrail.Changes;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What the manifests and the snapshots say of the audit trail, and the journal. What of them cannot
 * be read says nothing: the scrub reports it.
 */
final class AuditEvidence {
  private final Disk disk;
  private final Layout layout;
  private final SnapshotFiles snapshots;
  private final Changes journal;
  private final LongSupplier lastSeq;

  AuditEvidence(
      Disk disk, Layout layout, SnapshotFiles snapshots, Changes journal, LongSupplier lastSeq) {
    this.disk = disk;
    this.layout = layout;
    this.snapshots = snapshots;
    this.journal = journal;
    this.lastSeq = lastSeq;
  }

  /** For whoever verifies the trail. */
  FileAuditTrail.Evidence toEvidence() {
    return new FileAuditTrail.Evidence(
        () -> {
          try {
            return anchors();
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        },
        journal,
        lastSeq);
  }

  /** The newest manifest, or null. */
  @Nullable Manifest manifest() throws IOException {
    return new Manifests(disk, layout.manifest(), layout.otherManifest()).read().newest();
  }

  /** Whether the last server was ended in order, as far as is known. */
  boolean isOrderly() throws IOException {
    Manifest manifest = manifest();
    return manifest != null && manifest.clean();
  }

  /** What the newest witness says, or null. */
  @Nullable AuditAnchor newest() throws IOException {
    AuditAnchor newest = null;
    for (AuditAnchor anchor : anchors().values()) {
      newest = newest == null || anchor.head().index() > newest.head().index() ? anchor : newest;
    }
    return newest;
  }

  private Map<String, AuditAnchor> anchors() throws IOException {
    var anchors = new LinkedHashMap<String, AuditAnchor>();
    Manifest manifest = manifest();
    if (manifest != null && manifest.audit() != null) {
      anchors.put("the manifest", manifest.audit());
    }
    for (SnapshotName name : snapshots.names()) {
      AuditAnchor anchor = anchor(name, manifest == null ? null : manifest.lineage());
      if (anchor != null) {
        anchors.put("snapshot " + name.id(), anchor);
      }
    }
    return anchors;
  }

  private @Nullable AuditAnchor anchor(SnapshotName name, @Nullable UUID lineage)
      throws IOException {
    for (Path file : snapshots.files(name)) {
      try {
        if (disk.kind(file) == Disk.Kind.FILE) {
          SnapshotHeader header = SnapshotReader.summary(disk, file, name).header();
          return lineage == null || header.lineage().equals(lineage) ? header.audit() : null;
        }
      } catch (DamagedSnapshotException | UnknownSnapshotFormatException _) {
        // Its copy may say more.
      }
    }
    return null;
  }
}
