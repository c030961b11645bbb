package syslog

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// listen stands in for the system log.
func listen(t *testing.T, path string) *net.UnixConn {
	t.Helper()
	log, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	return log
}

func read(t *testing.T, log *net.UnixConn) string {
	t.Helper()
	if err := log.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 4096)
	n, err := log.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	return string(buf[:n])
}

func TestALineHasSeverityTimeTagAndText(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	log := listen(t, path)
	var stderr bytes.Buffer
	logger := open("mwan3track", path, &stderr)
	for _, test := range []struct {
		write func(string, ...any)
		pri   int
	}{{logger.Err, 11}, {logger.Warn, 12}, {logger.Notice, 13}, {logger.Info, 14}} {
		test.write("Interface %s (%s) is %s", "wan", "eth0", "online")
		want := fmt.Sprintf(`^<%d>[A-Z][a-z]{2} [ 1-3]\d \d\d:\d\d:\d\d mwan3track\[%d\]: Interface wan \(eth0\) is online$`,
			test.pri, os.Getpid())
		if got := read(t, log); !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("got %q, want %s", got, want)
		}
	}
	if stderr.Len() > 0 {
		t.Errorf("stderr got %q", stderr.String())
	}
}

func TestATextStaysOneLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	log := listen(t, path)
	logger := open("mwan3", path, os.Stderr)
	for text, want := range map[string]string{
		"a\nb\r\n\tc\n": "a b   c", "\x1b[2Jx\x7f\x00": " [2Jx  ", "100%": "100%", "": "", "ü→": "ü→",
	} {
		logger.Write(Notice, text)
		if _, got, _ := strings.Cut(read(t, log), "]: "); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

func TestWithoutASystemLogLinesGoToStderr(t *testing.T) {
	var stderr bytes.Buffer
	open("mwan3", filepath.Join(t.TempDir(), "log"), &stderr).Warn("first\nsecond")
	if got, want := stderr.String(), fmt.Sprintf("mwan3[%d]: first second\n", os.Getpid()); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestARestartedSystemLogIsFoundAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	var stderr bytes.Buffer
	logger := open("mwan3", path, &stderr)
	log := listen(t, path)
	logger.Info("one")
	first := read(t, log)
	log.Close()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	logger.Info("two")
	log = listen(t, path)
	logger.Info("three")
	got := []string{first, stderr.String(), read(t, log)}
	for i, want := range []string{"]: one", "]: two\n", "]: three"} {
		if !strings.HasSuffix(got[i], want) {
			t.Errorf("line %d is %q, want it to end in %q", i, got[i], want)
		}
	}
}

func TestAFullSystemLogDoesNotStopTheProgram(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	listen(t, path)
	var stderr bytes.Buffer
	logger := open("mwan3", path, &stderr)
	for i := 0; i < 10000 && stderr.Len() == 0; i++ {
		logger.Info("a line that nobody reads")
	}
	if stderr.Len() == 0 {
		t.Error("10000 lines that nobody read went somewhere")
	}
}
