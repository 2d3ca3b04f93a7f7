# Sourced by ./holdfast and ./check: finds a JDK 25 or newer and Maven, or says what to install.
# Sets JAVA_HOME and MVN. $1 is the name of the calling command, for messages.

jdk_release() { # directory -> major version, or nothing
  [ -x "$1/bin/javac" ] && [ -r "$1/release" ] || return 1
  sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$1/release"
}

find_jdk() {
  on_path=$(command -v javac 2>/dev/null) && on_path=$(readlink -f "$on_path") && on_path=${on_path%/bin/javac}
  for candidate in "${JAVA_HOME:-}" "${on_path:-}" \
    /usr/lib/jvm/* /usr/java/* /opt/java/* /opt/jdk* "$HOME"/.sdkman/candidates/java/* \
    "$HOME"/.jdks/* /Library/Java/JavaVirtualMachines/*/Contents/Home; do
    [ -n "$candidate" ] || continue
    release=$(jdk_release "$candidate") || continue
    if [ "${release:-0}" -ge 25 ]; then
      JAVA_HOME=$candidate
      export JAVA_HOME
      return 0
    fi
  done
  echo "$1: needs a JDK 25 or newer and found none; install one (for example Temurin 25) or set JAVA_HOME" >&2
  return 1
}

find_maven() {
  MVN=$(command -v mvn 2>/dev/null) && return 0
  echo "$1: needs Maven 3.8 or newer on the PATH to build; install it (Debian: apt-get install maven)" >&2
  return 1
}
