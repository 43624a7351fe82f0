package kafkabroker

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// oldestJava is the oldest Java that a 4.x broker runs on.
const oldestJava = 17

//go:embed pom.xml
var pom []byte

// library is what a JVM needs to run one version of Kafka.
type library struct {
	java string
	// dir holds the jars, and only them.
	dir string
	// classPath lists the jars in a fixed order, which a class-data archive depends on.
	classPath string
	// archive is where the class-data archive lies or would lie.
	archive string
	// training, where set, is the class-data archive that a JVM is to write when it ends.
	training string
	// logging is the log4j configuration file, where there is one.
	logging string
}

// openLibrary finds Java and the jars of a Kafka version, which it gets through
// Maven the first time. Test packages that run side by side wait for each other.
func openLibrary(ctx context.Context, version string) (*library, error) {
	java, release, err := findJava(ctx)
	if err != nil {
		return nil, err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, fmt.Errorf("nowhere to keep Kafka's jars (%w): set HOME or XDG_CACHE_HOME", err)
	}
	dir := filepath.Join(cache, "kafka-scaler", "kafka-"+version)
	if err := install(ctx, version, dir); err != nil {
		return nil, err
	}
	jars, err := filepath.Glob(filepath.Join(dir, "*.jar"))
	if err != nil || len(jars) == 0 {
		return nil, errors.Join(fmt.Errorf("no jars in %s: remove it and try again", dir), err)
	}
	return &library{
		java:      java,
		dir:       dir,
		classPath: strings.Join(jars, string(os.PathListSeparator)),
		archive:   fmt.Sprintf("%s-java-%s.jsa", dir, release),
	}, nil
}

// findJava returns the java program and its release, such as 17.0.15.
func findJava(ctx context.Context) (program, release string, err error) {
	const remedy = "install Java 17 and Maven (hack/setup-test.sh does)"
	program, err = exec.LookPath("java")
	if home := os.Getenv("JAVA_HOME"); home != "" {
		program, err = exec.LookPath(filepath.Join(home, "bin", "java"))
	}
	if err != nil {
		return "", "", fmt.Errorf("real Kafka needs Java: %w; %s", err, remedy)
	}
	out, err := exec.CommandContext(ctx, program, "-version").CombinedOutput()
	if err != nil {
		return "", "", fmt.Errorf("%s -version: %w; %s", program, err, remedy)
	}
	match := regexp.MustCompile(`version "((\d+)[^"]*)"`).FindSubmatch(out)
	if match == nil {
		return "", "", fmt.Errorf("%s -version says %q; %s", program, out, remedy)
	}
	if major, err := strconv.Atoi(string(match[2])); err != nil || major < oldestJava {
		return "", "", fmt.Errorf("%s is Java %s; %s", program, match[1], remedy)
	}
	return program, string(match[1]), nil
}

// install puts the jars of a version into dir, all of them or none.
func install(ctx context.Context, version, dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	unlock, err := lock(ctx, dir+".lock")
	if err != nil {
		return err
	}
	defer unlock()
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	fresh, err := os.MkdirTemp(filepath.Dir(dir), "fetch-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(fresh) }()
	jars := filepath.Join(fresh, "jars")
	if err := fetch(ctx, version, filepath.Join(fresh, "pom.xml"), jars); err != nil {
		return err
	}
	return os.Rename(jars, dir)
}

// fetch has Maven resolve Kafka of a version and copy its jars.
func fetch(ctx context.Context, version, project, into string) error {
	if err := os.WriteFile(project, pom, 0o600); err != nil {
		return err
	}
	profile := "-Pkraft"
	if strings.HasPrefix(version, "2.") {
		profile = "-Pzookeeper"
	}
	cmd := exec.CommandContext(ctx, "mvn", "-q", "-B", "--strict-checksums", "-f", project, profile,
		"-Dkafka.version="+version, "dependency:copy-dependencies", "-DoutputDirectory="+into)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("get the jars of Kafka %s with Maven (hack/setup-test.sh installs it): %w\n%s", version, err, out)
	}
	return nil
}

// command returns the arguments that run a Java class with a heap of the given
// size in MB. Without the JVM's performance files a kill leaves nothing behind.
func (l *library) command(heapMB int, class string, args ...string) []string {
	argv := []string{
		l.java, "-Xms32m", fmt.Sprintf("-Xmx%dm", heapMB), "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
		"-XX:-UsePerfData", "-Xshare:auto", "-Xlog:disable", "-Xlog:all=error:stderr",
	}
	switch _, err := os.Stat(l.archive); {
	case l.training != "":
		argv = append(argv, "-XX:ArchiveClassesAtExit="+l.training)
	case err == nil:
		argv = append(argv, "-XX:SharedArchiveFile="+l.archive)
	}
	if l.logging != "" {
		// The folder is the cluster's: what a killed broker leaves there, such as Snappy's library, goes with it.
		argv = append(argv, "-Dlog4j2.configurationFile="+l.logging, "-Djava.io.tmpdir="+filepath.Dir(l.logging))
	}
	return append(append(argv, "-cp", l.classPath, class), args...)
}

// tool returns the arguments that run one of Kafka's command-line tools.
func (l *library) tool(class string, args ...string) []string {
	plain := *l
	plain.training, plain.logging = "", ""
	return plain.command(toolHeapMB, class, args...)
}
