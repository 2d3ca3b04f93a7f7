package holdfast.adapters.file.log;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import holdfast.adapters.file.ForwardingDisk;
import holdfast.adapters.file.ForwardingFile;
import holdfast.adapters.file.checksum.Digest;
import holdfast.adapters.file.disk.Disk;
import holdfast.adapters.file.disk.DiskFile;
import holdfast.adapters.file.disk.NioDisk;
import holdfast.adapters.file.layout.AuditAnchor;
import holdfast.adapters.file.layout.AuditAnchors;
import holdfast.adapters.file.quarantine.Quarantine;
import holdfast.domain.port.Attribution;
import holdfast.domain.port.AuditTrail.Broken;
import holdfast.domain.port.AuditTrail.Changes;
import holdfast.domain.port.AuditTrail.Entry;
import holdfast.domain.port.AuditTrail.Flaw;
import holdfast.domain.port.AuditTrail.Verdict;
import holdfast.domain.port.Committed;
import holdfast.domain.port.EventLog;
import holdfast.domain.port.SampleTasks;
import holdfast.domain.port.StorageException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every way of falsifying the files of the trail, one after another, each found at its place. */
class AuditFilesIT {
  private static final int FILE_BYTES = 1_500;
  private static final int ENTRIES = 13;
  private static final Attribution ADMIN = new Attribution("admin", "127.0.0.1", "POST /api/tasks");

  @TempDir private Path logs;

  private final AuditAnchors anchors = new AuditAnchors();
  private final List<Committed> journal = new ArrayList<>();
  private Map<String, byte[]> written = Map.of();
  private boolean isNoted = true;

  private final Changes changes =
      (seq, limit) -> journal.stream().filter(c -> c.seq() > seq).limit(limit).toList();

  private final FileAuditTrail.Evidence evidence =
      new FileAuditTrail.Evidence(
          () -> {
            AuditAnchor known = anchors.known();
            return known == null ? Map.of() : Map.of("the manifest", known);
          },
          changes,
          journal::size);

  private FileEventLog open(int filesMax, boolean compress) throws IOException {
    var bounds =
        new FileEventLog.Bounds(
            FILE_BYTES, filesMax, Duration.ofDays(1), 64 << 20, Duration.ofMillis(1));
    var vouching = new FileEventLog.Vouching(anchors, () -> isNoted);
    return compress
        ? new FileEventLog(new NioDisk(), logs, bounds, InstantSource.system(), vouching)
        : new FileEventLog(new NioDisk(), logs, bounds, InstantSource.system(), vouching, false);
  }

  /** Writes so many changes, a refusal after each third. */
  private void write(FileEventLog log, int count) {
    var trail = new FileAuditTrail(log, evidence);
    assertTrue(trail.catchUp(SampleTasks.NOON, journal.size(), changes));
    for (int i = 0; i < count; i++) {
      long seq = journal.size() + 1L;
      journal.add(new Committed(seq, SampleTasks.submit(seq).by(ADMIN)));
      assertTrue(trail.append(Entry.of(journal.getLast())));
      if (seq % 3 == 0) {
        assertTrue(
            trail.append(
                new Entry(SampleTasks.NOON, "refused", ADMIN, null, "stale", 0, 0, Map.of())));
      }
      // So that files are rotated where they are full.
      log.flush();
    }
    trail.force();
  }

  @BeforeEach
  void fill() throws IOException {
    try (FileEventLog log = open(100, false)) {
      write(log, 9);
    }
    written = read();
    assertTrue(written.size() > 2, "several files: " + written.keySet());
    assertSound(ENTRIES);
  }

  private Path directory() {
    return logs.resolve("audit");
  }

  private Map<String, byte[]> read() throws IOException {
    var files = new TreeMap<String, byte[]>();
    try (Stream<Path> all = Files.list(directory())) {
      for (Path file : all.filter(f -> f.toString().contains(".jsonl")).toList()) {
        try {
          files.put(file.getFileName().toString(), Files.readAllBytes(file));
        } catch (NoSuchFileException _) {
          // Compressed just now: whoever waits for that looks again.
          files.put(file.getFileName().toString(), new byte[0]);
        }
      }
    }
    return files;
  }

  private Verdict verify() {
    return verify(new NioDisk());
  }

  private Verdict verify(Disk disk) {
    return verify(disk, true);
  }

  private Verdict verify(Disk disk, boolean isOrderly) {
    try {
      return FileAuditTrail.verify(disk, logs, isOrderly, evidence);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void assertSound(long entries) {
    Verdict verdict = verify();
    assertNull(verdict.broken(), String.valueOf(verdict.broken()));
    assertEquals(entries, verdict.entries());
  }

  private Broken broken() {
    Broken broken = verify().broken();
    assertNotNull(broken, "not found");
    return broken;
  }

  /** What is found if one file has other bytes than those that were written. */
  private Broken brokenWith(String file, byte[] bytes) {
    var files = new TreeMap<>(written);
    files.put(file, bytes);
    Broken broken = verify(new Copied(directory(), files)).broken();
    assertNotNull(broken, "not found");
    return broken;
  }

  /** Lines as they stand in the files, oldest first. */
  private record Placed(String file, int from, int to, long index) {}

  private List<Placed> lines() {
    var lines = new ArrayList<Placed>();
    long index = 0;
    for (Map.Entry<String, byte[]> file : written.entrySet()) {
      byte[] bytes = file.getValue();
      int from = 0;
      for (int i = 0; i < bytes.length; i++) {
        if (bytes[i] == '\n') {
          lines.add(new Placed(file.getKey(), from, i + 1, ++index));
          from = i + 1;
        }
      }
    }
    return lines;
  }

  private byte[] bytes(String file) {
    return written.getOrDefault(file, new byte[0]);
  }

  private void put(String file, byte[] bytes) throws IOException {
    Files.write(directory().resolve(file), bytes);
  }

  private static byte[] joined(byte[]... parts) {
    byte[] all = new byte[Arrays.stream(parts).mapToInt(part -> part.length).sum()];
    int at = 0;
    for (byte[] part : parts) {
      System.arraycopy(part, 0, all, at, part.length);
      at += part.length;
    }
    return all;
  }

  @Test
  void everyByteThatIsFlippedIsFoundInItsEntry() throws IOException {
    for (Placed line : lines()) {
      byte[] bytes = bytes(line.file()).clone();
      for (int at = line.from(); at < line.to(); at++) {
        bytes[at] ^= 1;
        Broken broken = brokenWith(line.file(), bytes);
        assertEquals(line.index(), broken.index(), "byte " + at + ": " + broken);
        assertEquals(line.file(), broken.file());
        bytes[at] ^= 1;
      }
    }
  }

  @Test
  void everyLineThatIsRemovedIsFound() throws IOException {
    for (Placed line : lines()) {
      byte[] bytes = bytes(line.file());
      put(
          line.file(),
          joined(
              Arrays.copyOf(bytes, line.from()),
              Arrays.copyOfRange(bytes, line.to(), bytes.length)));
      Broken broken = broken();
      assertEquals(line.index(), broken.index(), broken.toString());
      assertEquals(line.index() == ENTRIES ? Flaw.TRUNCATED : Flaw.MISSING, broken.flaw());
      put(line.file(), bytes);
    }
  }

  @Test
  void everyTwoLinesThatAreSwappedAreFound() throws IOException {
    List<Placed> lines = lines();
    for (int i = 0; i + 1 < lines.size(); i++) {
      Placed one = lines.get(i);
      Placed other = lines.get(i + 1);
      if (one.file().equals(other.file())) {
        byte[] bytes = bytes(one.file());
        put(
            one.file(),
            joined(
                Arrays.copyOf(bytes, one.from()),
                Arrays.copyOfRange(bytes, other.from(), other.to()),
                Arrays.copyOfRange(bytes, one.from(), one.to()),
                Arrays.copyOfRange(bytes, other.to(), bytes.length)));
        assertEquals(one.index(), broken().index());
        put(one.file(), bytes);
      }
    }
  }

  @Test
  void everyLengthThatAFileIsCutToIsFound() throws IOException {
    for (Placed line : lines()) {
      byte[] bytes = bytes(line.file());
      for (int length = line.from(); length < line.to(); length++) {
        Broken broken = brokenWith(line.file(), Arrays.copyOf(bytes, length));
        assertEquals(line.index(), broken.index(), "cut to " + length + ": " + broken);
      }
    }
  }

  @Test
  void everyFileThatIsRemovedIsFound() throws IOException {
    for (String file : written.keySet()) {
      Files.delete(directory().resolve(file));
      long first = lines().stream().filter(l -> l.file().equals(file)).findFirst().get().index();
      assertEquals(first, broken().index(), file);
      put(file, bytes(file));
    }
  }

  @Test
  void aForgedLineWithARightHashOfItsOwnIsFound() throws IOException {
    List<Placed> lines = lines();
    for (Placed line : lines) {
      byte[] bytes = bytes(line.file());
      String text =
          new String(bytes, line.from(), line.to() - line.from(), StandardCharsets.UTF_8)
              .replace("127.0.0.1", "127.0.0.2")
              .replace("\"system\"", "\"sysadm\"");
      int covered = text.indexOf(",\"hash\":\"");
      byte[] body = text.substring(0, covered).getBytes(StandardCharsets.UTF_8);
      String forged =
          text.substring(0, covered) + ",\"hash\":\"" + Digest.of(body, 0, body.length) + "\"}\n";
      put(
          line.file(),
          joined(
              Arrays.copyOf(bytes, line.from()),
              forged.getBytes(StandardCharsets.UTF_8),
              Arrays.copyOfRange(bytes, line.to(), bytes.length)));
      Broken broken = broken();
      assertEquals(line.index(), broken.index(), broken.toString());
      assertEquals(Flaw.ALTERED, broken.flaw());
      put(line.file(), bytes);
    }
  }

  /** Goes on with compression, and waits until everything that was rotated is compressed. */
  private void compress() throws IOException {
    try (FileEventLog log = open(100, true)) {
      write(log, 6);
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
      while (read().keySet().stream().anyMatch(f -> f.matches("audit\\.[0-9]+\\.jsonl"))) {
        assertTrue(System.nanoTime() < end, "not compressed: " + read().keySet());
        Thread.onSpinWait();
      }
      assertNull(new FileAuditTrail(log, evidence).verify().broken());
    }
  }

  @Test
  void everyByteOfACompressedFileThatIsFlippedIsFound() throws IOException {
    compress();
    written = read();
    long before = 0;
    for (Map.Entry<String, byte[]> file : written.entrySet()) {
      if (file.getKey().endsWith(".zst")) {
        byte[] bytes = file.getValue().clone();
        long index = 0;
        for (int at = 0; at < bytes.length; at++) {
          bytes[at] ^= 4;
          Broken broken = brokenWith(file.getKey(), bytes);
          assertEquals(file.getKey(), broken.file());
          index = broken.index();
          assertTrue(index > before, broken.toString());
          bytes[at] ^= 4;
        }
        before = index;
      }
    }
    assertTrue(before > 1, "several were compressed: " + written.keySet());
    assertNull(verify().broken());
  }

  @Test
  void whatIsTooOldIsRemovedAndVouchedFor() throws IOException {
    try (FileEventLog log = open(3, false)) {
      write(log, 20);
    }
    Verdict verdict = verify();
    assertNull(verdict.broken(), String.valueOf(verdict.broken()));
    AuditAnchor anchor = anchors.known();
    assertNotNull(anchor);
    assertTrue(anchor.base().index() > ENTRIES, anchor.toString());
    assertEquals(verdict.head().index() - anchor.base().index(), verdict.entries());
    written = read();
    // Whoever removes one more is found out.
    Files.delete(directory().resolve(written.keySet().iterator().next()));
    Broken broken = broken();
    assertEquals(Flaw.MISSING, broken.flaw());
    assertEquals(anchor.base().index() + 1, broken.index());
  }

  @Test
  void nothingIsRemovedBeforeThatCanBeVouchedFor() throws IOException {
    isNoted = false;
    try (FileEventLog log = open(2, false)) {
      write(log, 9);
    }
    assertTrue(read().size() > 4, "all are there: " + read().keySet());
    assertNull(verify().broken());
  }

  @Test
  void whatWasVouchedForAndIsGoneStaysMissingHoweverOftenTheLogIsOpened() throws IOException {
    Placed gone = lines().getLast();
    put(gone.file(), Arrays.copyOf(bytes(gone.file()), gone.from()));
    assertNull(cut());
    for (int start = 0; start < 2; start++) {
      try (FileEventLog log = open(100, false)) {
        write(log, 1);
        Broken online = new FileAuditTrail(log, evidence).verify().broken();
        assertNotNull(online);
        assertEquals(ENTRIES, online.index(), online.toString());
      }
      Broken broken = broken();
      assertEquals(Flaw.MISSING, broken.flaw());
      assertEquals(ENTRIES, broken.index(), broken.toString());
    }
  }

  @Test
  void withoutAnOrderlyEndWhatWasVouchedForMustBeThereAllTheSame() {
    Placed last = lines().getLast();
    byte[] altered = bytes(last.file()).clone();
    altered[last.from() + 40] ^= 1;
    byte[] cut = Arrays.copyOf(bytes(last.file()), last.from() + 40);
    byte[] removed = Arrays.copyOf(bytes(last.file()), last.from());
    for (byte[] left : List.of(altered, cut, removed)) {
      var files = new TreeMap<>(written);
      files.put(last.file(), left);
      Verdict verdict = verify(new Copied(directory(), files), false);
      Broken broken = verdict.broken();
      assertNotNull(broken, "not found");
      assertEquals(ENTRIES, broken.index());
      assertNull(verdict.unfinished());
    }
  }

  private @Nullable String cut() throws IOException {
    Path quarantine = logs.resolve("quarantine");
    Files.createDirectories(quarantine);
    return AuditTail.cut(
        new NioDisk(),
        logs,
        anchors.known(),
        new Quarantine(new NioDisk(), quarantine, InstantSource.system(), 1 << 20));
  }

  /** Behind the last entry that is vouched for, a power cut may leave any part of the rest. */
  @Test
  void whatACrashLeavesBehindTheLastEntryVouchedForIsCutAndMadeUpForFromTheJournal()
      throws IOException {
    AuditAnchor anchor = anchors.known();
    assertNotNull(anchor);
    try (FileEventLog log = open(100, false)) {
      write(log, 1);
    }
    Map<String, byte[]> before = written;
    written = read();
    assertEquals(before.keySet(), written.keySet(), "in the same file, for this test");
    byte[] whole = bytes("audit.jsonl");
    int begin = before.get("audit.jsonl").length;
    for (int at = begin; at < whole.length; at += 37) {
      byte[] torn = whole.clone();
      Arrays.fill(torn, at, Math.min(torn.length, at + 100), (byte) 0);
      for (byte[] left : List.of(torn, Arrays.copyOf(whole, at))) {
        anchors.durable(anchor);
        put("audit.jsonl", left);
        boolean isWhole = left.length == begin;
        Verdict offline = verify(new NioDisk(), false);
        assertNull(offline.broken(), "at " + at + ": " + offline.broken());
        assertEquals(isWhole, offline.unfinished() == null, "at " + at + ": " + offline);
        assertEquals(ENTRIES, offline.entries());
        assertEquals(1, offline.pending());
        Broken orderly = verify().broken();
        assertNotNull(orderly, "an orderly end leaves nothing of the kind");
        assertEquals(ENTRIES + 1, orderly.index());
        assertEquals(isWhole, cut() == null, "at " + at);
        try (FileEventLog log = open(100, false)) {
          var trail = new FileAuditTrail(log, evidence);
          assertTrue(trail.catchUp(SampleTasks.NOON, journal.size(), changes));
          Verdict verdict = trail.verify();
          assertNull(verdict.broken(), "at " + at + ": " + verdict.broken());
          assertEquals(journal.size(), verdict.head().seq());
        }
      }
    }
    put("audit.jsonl", whole);
  }

  /** Everything that was vouched for may have been removed for its age. */
  @Test
  void whatACrashLeavesIsCutAlsoWhereNothingIsLeftOfWhatWasVouchedFor() throws IOException {
    AuditAnchor anchor = anchors.known();
    assertNotNull(anchor);
    int begin = bytes("audit.jsonl").length;
    try (FileEventLog log = open(100, false)) {
      write(log, 1);
    }
    written = read();
    byte[] whole = bytes("audit.jsonl");
    for (String file : written.keySet()) {
      Files.delete(directory().resolve(file));
    }
    put("audit.jsonl", Arrays.copyOfRange(whole, begin, (begin + whole.length) / 2));
    anchors.durable(new AuditAnchor(anchor.head(), anchor.head()));
    assertNotNull(cut());
    try (FileEventLog log = open(100, false)) {
      var trail = new FileAuditTrail(log, evidence);
      assertTrue(trail.catchUp(SampleTasks.NOON, journal.size(), changes));
      Verdict verdict = trail.verify();
      assertNull(verdict.broken(), () -> String.valueOf(verdict.broken()));
      assertEquals(ENTRIES + 1, verdict.head().index());
      assertEquals(journal.size(), verdict.head().seq());
    }
  }

  @Test
  void linesOfAVersionWithoutATrailMayStandBeforeIt() throws IOException {
    for (String file : written.keySet()) {
      Files.delete(directory().resolve(file));
    }
    anchors.durable(null);
    put(
        "audit.jsonl",
        "{\"time\":\"2026-11-26T12:00:00Z\",\"type\":\"restored\",\"category\":\"audit\",\"line\":7}\n"
            .getBytes(StandardCharsets.UTF_8));
    assertNull(cut());
    try (FileEventLog log = open(100, false)) {
      write(log, 2);
      Verdict verdict = new FileAuditTrail(log, evidence).verify();
      assertNull(verdict.broken(), String.valueOf(verdict.broken()));
      assertEquals(3, verdict.entries());
    }
  }

  @Test
  void entriesThatTheDiskRefusesWaitAndAreWrittenInOrder() throws IOException {
    var disk = new FullDisk();
    var bounds =
        new FileEventLog.Bounds(64 << 10, 10, Duration.ofDays(1), 64 << 20, Duration.ofMillis(1));
    try (var log =
        new FileEventLog(
            disk,
            logs,
            bounds,
            InstantSource.system(),
            new FileEventLog.Vouching(anchors, () -> true))) {
      write(log, 1);
      disk.full = true;
      var trail = new FileAuditTrail(log, evidence);
      journal.add(new Committed(journal.size() + 1L, SampleTasks.submit(77).by(ADMIN)));
      assertTrue(trail.append(Entry.of(journal.getLast())));
      assertThrows(StorageException.class, trail::force);
      int refused = 500;
      for (int i = 0; i < refused; i++) {
        assertTrue(
            trail.append(
                new Entry(SampleTasks.NOON, "refused", ADMIN, null, "stale", 0, 0, Map.of())));
      }
      disk.full = false;
      assertEquals(journal.size(), trail.force().seq());
      Verdict verdict = trail.verify();
      assertNull(verdict.broken(), String.valueOf(verdict.broken()));
      assertEquals(ENTRIES + 1 + 1 + refused, verdict.entries());
    }
  }

  @Test
  void whatWaitsForTheDiskTakesUpRoom() {
    var queue = new LogQueue();
    var entry = new EventLog.Entry(SampleTasks.NOON, EventLog.Category.AUDIT, "refused", Map.of());
    queue.waiting(EventLog.Category.AUDIT, LogQueue.CATEGORY_MAX - 1);
    assertTrue(queue.put(entry));
    assertFalse(queue.put(entry), "there is no room left");
    queue.waiting(EventLog.Category.AUDIT, 0);
    assertTrue(queue.put(entry));
  }

  /** The trail's files, in memory: a hundred times as fast. */
  private static final class Copied extends ForwardingDisk {
    private final Path directory;
    private final Map<String, byte[]> files;

    Copied(Path directory, Map<String, byte[]> files) {
      super(new NioDisk());
      this.directory = directory;
      this.files = files;
    }

    @Override
    public List<String> list(Path listed) {
      assertEquals(directory, listed);
      return files.keySet().stream().sorted().toList();
    }

    @Override
    public Kind kind(Path path) {
      return files.containsKey(path.getFileName().toString()) ? Kind.FILE : Kind.MISSING;
    }

    @Override
    public DiskFile open(Path file, Access access) throws IOException {
      byte[] bytes = files.get(file.getFileName().toString());
      if (bytes == null) {
        throw new NoSuchFileException(file.toString());
      }
      return new CopiedFile(bytes);
    }
  }

  private record CopiedFile(@SuppressWarnings("ArrayRecordComponent") byte[] bytes)
      implements DiskFile {
    @Override
    public int read(ByteBuffer target, long offset) {
      int length = (int) Math.min(target.remaining(), bytes.length - offset);
      if (length > 0) {
        target.put(bytes, (int) offset, length);
      }
      return length > 0 ? length : -1;
    }

    @Override
    public long size() {
      return bytes.length;
    }

    @Override
    public void write(ByteBuffer source, long offset) {
      throw new AssertionError("verification writes nothing");
    }

    @Override
    public void force() {
      throw new AssertionError("verification writes nothing");
    }

    @Override
    public void modified(Instant time) {
      throw new AssertionError("verification writes nothing");
    }

    @Override
    public void truncate(long size) {
      throw new AssertionError("verification writes nothing");
    }

    @Override
    public void close() {
      // Nothing is open.
    }
  }

  /** Refuses to write to the trail while it is full. */
  private static final class FullDisk extends ForwardingDisk {
    volatile boolean full;

    FullDisk() {
      super(new NioDisk());
    }

    @Override
    public DiskFile open(Path file, Access access) throws IOException {
      DiskFile opened = super.open(file, access);
      return file.endsWith("audit.jsonl")
          ? new ForwardingFile(opened) {
            @Override
            public void write(ByteBuffer source, long offset) throws IOException {
              if (full) {
                throw new IOException("full, for the test");
              }
              super.write(source, offset);
            }
          }
          : opened;
    }
  }
}
