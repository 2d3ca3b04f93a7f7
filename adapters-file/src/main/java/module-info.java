/**
 * Storage on a file system: the journal, the outputs of tasks, event logs and recovery reports.
 * Everything that touches a disk goes through {@code holdfast.adapters.file.disk}.
 */
@org.jspecify.annotations.NullMarked
module holdfast.adapters.file {
  requires com.github.luben.zstd_jni;
  requires static org.jspecify;
  requires transitive holdfast.domain;

  exports holdfast.adapters.file;
}
