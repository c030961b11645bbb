package lab_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"e2e/lab"
)

// Labs that run at the same time must not see each other, and a killed one must leave nothing.

// asked, in the environment, makes TestMain's program a lab that only waits to be killed.
const asked = "LAB_TEST_SLEEPER"

// TestASleepingLab is no test but the program of the tests below: it starts a lab, which says what it consists of and
// waits.
func TestASleepingLab(t *testing.T) {
	if os.Getenv(asked) == "" {
		t.Skip("runs only as a helper of other tests")
	}
	if !lab.Inside() {
		err := lab.Run(context.Background(), os.Stdout, os.Stderr, "-test.run=^TestASleepingLab$")
		t.Fatal("the lab has ended: ", err)
	}
	start := time.Now()
	l := draw(t, 3)
	fmt.Println("drawn in", time.Since(start).Round(time.Millisecond))
	daemon := exec.Command("sleep", "1000")
	daemon.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	check(t, daemon.Start())
	for _, path := range []string{"/proc/self/ns/mnt", "/proc/self/ns/pid"} {
		id, err := os.Readlink(path)
		check(t, err)
		fmt.Println("namespace", id)
	}
	for _, node := range []*lab.Node{l.Router, l.Client1, l.Internet, l.ISPs[0].Node} {
		out, err := node.Run("", "readlink", "/proc/self/ns/net")
		check(t, err)
		fmt.Println("namespace", strings.TrimSpace(out))
	}
	fmt.Println("ready")
	select {}
}

// sleeper starts a sleeping lab and returns the program that started it and the lab's namespaces.
func sleeper(t *testing.T) (*exec.Cmd, []string) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestASleepingLab$", "-test.count=1")
	cmd.Env = append(os.Environ(), asked+"=yes")
	out, err := cmd.StdoutPipe()
	check(t, err)
	check(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	var namespaces []string
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		line := lines.Text()
		if id, ok := strings.CutPrefix(line, "namespace "); ok {
			namespaces = append(namespaces, id)
		}
		if strings.HasPrefix(line, "drawn") {
			t.Log(line)
		}
		if line == "ready" {
			return cmd, namespaces
		}
	}
	t.Fatal("the lab did not come up")
	return nil, nil
}

// inhabitants lists the processes that are in one of the namespaces, as "pid command".
func inhabitants(t *testing.T, namespaces []string) []string {
	t.Helper()
	links, err := filepath.Glob("/proc/[0-9]*/ns/*")
	check(t, err)
	var found []string
	for _, link := range links {
		id, err := os.Readlink(link)
		if err != nil {
			continue // ended meanwhile
		}
		for _, namespace := range namespaces {
			if id == namespace {
				found = append(found, link+" "+id)
			}
		}
	}
	return found
}

// awaitNobody waits until no process is left in the namespaces.
func awaitNobody(t *testing.T, namespaces []string) {
	t.Helper()
	var left []string
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if left = inhabitants(t, namespaces); len(left) == 0 {
			return
		}
	}
	t.Fatalf("still there: %s", strings.Join(left, "\n"))
}

// traces is what a lab could leave behind outside of its namespaces.
func traces(t *testing.T) string {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mounts")
	check(t, err)
	var found strings.Builder
	for _, line := range strings.Split(string(mounts), "\n") {
		if strings.HasPrefix(line, "lab ") || strings.HasPrefix(line, "nsfs ") {
			fmt.Fprintln(&found, line)
		}
	}
	names, err := filepath.Glob("/run/netns/*")
	check(t, err)
	fmt.Fprintln(&found, names)
	return found.String()
}

func TestAKilledLabLeavesNothing(t *testing.T) {
	t.Parallel()
	before := traces(t)
	cmd, namespaces := sleeper(t)
	if len(inhabitants(t, namespaces)) == 0 {
		t.Fatal("nobody is in the namespaces of the running lab")
	}
	check(t, cmd.Process.Kill())
	awaitNobody(t, namespaces)
	if after := traces(t); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}

func TestTwoLabsRunAtTheSameTime(t *testing.T) {
	t.Parallel()
	_, first := sleeper(t)
	_, second := sleeper(t)
	for _, one := range first {
		for _, other := range second {
			if one == other {
				t.Errorf("two labs share %s", one)
			}
		}
	}
}

func TestWhoMayNotMakeNamespacesIsToldSo(t *testing.T) {
	t.Parallel()
	self, err := os.Open("/proc/self/exe")
	check(t, err)
	defer self.Close()
	const forbidden = `echo 0 >/proc/sys/user/max_user_namespaces &&
exec setpriv --reuid 65534 --regid 65534 --clear-groups /proc/self/fd/3 '-test.run=^TestASleepingLab$'`
	cmd := exec.Command("sh", "-c", forbidden)
	cmd.Env = append(os.Environ(), asked+"=yes")
	cmd.ExtraFiles = []*os.File{self}
	ids := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 65536}}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: ids, GidMappings: ids, GidMappingsEnableSetgroups: true}
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), lab.ErrNotAllowed.Error()) {
		t.Errorf("%v: %s\nwant: %v", err, out, lab.ErrNotAllowed)
	}
}

func TestAnOrdinaryUserGetsALabInAUserNamespace(t *testing.T) {
	t.Parallel()
	self, err := os.Open("/proc/self/exe")
	check(t, err)
	defer self.Close()
	cmd := exec.Command("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "/proc/self/fd/3",
		"-test.v", "-test.run=^TestWithoutMwan3EverythingGoesThroughTheFirstUplink$")
	cmd.ExtraFiles = []*os.File{self}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS") {
		t.Errorf("%v: %s", err, out)
	}
}
