package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"

	"mwan3/emulation"
)

// machineLab is a router without ubus in namespaces of its own: one uplink, up0, and a target behind it. The test's
// goroutine is in them, and so is what it starts.
type machineLab struct {
	t       *testing.T
	tracker string // the program
	peer    *netlink.Handle
	far     netlink.Link
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newMachineLab(t *testing.T) *machineLab {
	t.Helper()
	emulation.NeedsKernel(t)
	dir := t.TempDir()
	build := exec.Command("go", "build", "-o", dir, ".", "mwan3")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%s: %s", err, out)
	}
	runtime.LockOSThread() // and never unlocked: the namespaces end with the thread
	must(t, syscall.Unshare(syscall.CLONE_NEWNS|syscall.CLONE_NEWNET))
	must(t, syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""))
	program, err1 := os.ReadFile(filepath.Join(dir, "mwan3track"))
	asked, err2 := os.ReadFile(filepath.Join(dir, "mwan3"))
	must(t, errors.Join(err1, err2))
	for _, dir := range []string{"/etc", "/run", "/usr/sbin"} {
		must(t, syscall.Mount("tmpfs", dir, "tmpfs", 0, ""))
	}
	l := &machineLab{t: t, tracker: "/usr/sbin/mwan3track"}
	must(t, os.WriteFile(l.tracker, program, 0o755))
	must(t, os.WriteFile(realMwan3, asked, 0o755))
	self, err := os.ReadFile("/proc/self/exe")
	must(t, err)
	must(t, os.WriteFile("/usr/sbin/mwan3", self, 0o755))
	must(t, os.Link("/usr/sbin/mwan3", "/usr/sbin/hotplug-call"))
	must(t, os.Mkdir("/etc/config", 0o755))
	l.connect()
	return l
}

// connect makes the uplink and what is behind it.
func (l *machineLab) connect() {
	here, err := netns.Get()
	must(l.t, err)
	defer here.Close()
	there, err := netns.New()
	must(l.t, err)
	defer there.Close()
	must(l.t, netns.Set(here))
	must(l.t, netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "up0"}, PeerName: "far0",
		PeerNamespace: netlink.NsFd(there)}))
	l.peer, err = netlink.NewHandleAt(there)
	must(l.t, err)
	l.t.Cleanup(l.peer.Close)
	l.far, err = l.peer.LinkByName("far0")
	must(l.t, err)
	must(l.t, l.peer.LinkSetUp(l.far))
	near, err := netlink.LinkByName("up0")
	must(l.t, err)
	must(l.t, netlink.LinkSetUp(near))
	kernel, err := netlink.NewHandle()
	must(l.t, err)
	defer kernel.Close()
	for _, prefix := range []string{"192.0.2.1/24", "2001:db8::1/64"} {
		l.add(kernel, near, prefix)
	}
}

// add gives a device an address and waits until packets to it reach the kernel, which takes it a moment even without
// duplicate address detection.
func (l *machineLab) add(kernel *netlink.Handle, link netlink.Link, prefix string) {
	l.t.Helper()
	addr := noDAD(l.t, prefix)
	must(l.t, kernel.AddrAdd(link, addr))
	local := &netlink.Route{Table: syscall.RT_TABLE_LOCAL}
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		routes, err := kernel.RouteListFiltered(netlink.FAMILY_ALL, local, netlink.RT_FILTER_TABLE)
		must(l.t, err)
		if slices.ContainsFunc(routes, func(r netlink.Route) bool { return r.Dst != nil && r.Dst.IP.Equal(addr.IP) }) {
			return
		}
	}
	l.t.Fatalf("no local route to %s", prefix)
}

func noDAD(t *testing.T, prefix string) *netlink.Addr {
	t.Helper()
	addr, err := netlink.ParseAddr(prefix)
	must(t, err)
	addr.Flags = syscall.IFA_F_NODAD
	return addr
}

// answer makes the target exist, or not.
func (l *machineLab) answer(prefix string, yes bool) {
	l.t.Helper()
	if yes {
		l.add(l.peer, l.far, prefix)
	} else {
		must(l.t, l.peer.AddrDel(l.far, noDAD(l.t, prefix)))
	}
}

func (l *machineLab) config(lines ...string) {
	l.t.Helper()
	must(l.t, os.WriteFile("/etc/config/mwan3", []byte(strings.Join(lines, "\n")+"\n"), 0o600))
}

// await waits for a file's text.
func (l *machineLab) await(path, want string) {
	l.t.Helper()
	var text []byte
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		text, _ = os.ReadFile(path)
		if string(text) == want {
			return
		}
	}
	l.t.Fatalf("%s is %q, not %q", path, text, want)
}

// expectCalls waits until the router was told something since the last time: by the configurator, and by hotplug-call, which
// is called without waiting for it.
func (l *machineLab) expectCalls(want ...string) {
	l.t.Helper()
	slices.Sort(want)
	var got []string
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end) && len(got) < len(want); time.Sleep(10 * time.Millisecond) {
		text, _ := os.ReadFile("/run/calls")
		got = strings.FieldsFunc(string(text), func(c rune) bool { return c == '\n' })
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		l.t.Error(diff)
	}
	_ = os.Remove("/run/calls")
}

func (l *machineLab) start(iface string) *exec.Cmd {
	l.t.Helper()
	cmd := exec.Command(l.tracker, iface)
	cmd.Stderr = &bytes.Buffer{}
	must(l.t, cmd.Start())
	l.t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
		if l.t.Failed() {
			l.t.Logf("the tracker of %s said:\n%s", iface, cmd.Stderr)
		}
	})
	return cmd
}

func wanSection(iface, family, target string) []string {
	return []string{"config interface '" + iface + "'", "option enabled 1", "option device up0", "option family " + family,
		"list track_ip '" + target + "'", "option up 1", "option down 1", "option interval 1", "option timeout 1"}
}
