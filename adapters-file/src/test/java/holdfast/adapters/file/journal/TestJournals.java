package holdfast.adapters.file.journal;

import holdfast.adapters.file.disk.DiskFile;
import java.io.IOException;
import java.util.List;
import java.util.random.RandomGenerator;

/** Journals whose every call is repeatable, and some that break a promise on purpose. */
public final class TestJournals {
  private TestJournals() {}

  /** How a journal forces: soundly, or as somebody might get it wrong. */
  public enum Forces {
    SOUND,
    /** Acknowledges what was never forced. */
    NEVER,
    /** Takes the success of a second force for the success of the first. */
    RETRIED
  }

  /** A journal that forces one copy after the other, on the caller's thread. */
  public static Journal journal(
      List<JournalCopy> copies, int segmentBytes, Forces forces, RandomGenerator random) {
    Forcing sound = new Forcing.InTurn();
    Forcing forcing =
        switch (forces) {
          case SOUND -> sound;
          case NEVER -> (_, meanwhile) -> meanwhile.run();
          case RETRIED -> TestJournals::retried;
        };
    return new Journal(copies, segmentBytes, forcing, random::nextLong);
  }

  private static void retried(List<DiskFile> files, Runnable meanwhile) throws IOException {
    meanwhile.run();
    for (DiskFile file : files) {
      try {
        file.force();
      } catch (IOException _) {
        file.force();
      }
    }
  }
}
