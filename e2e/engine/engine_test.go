package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"e2e/lab"
	"e2e/lab/labtest"
	"e2e/remote"
)

// engineName is what this test program is called where it is the engine.
const engineName = "engine"

// channel is where the engine finds the world: in memory that only the two share.
const channel = "/run/channel"

// uplinks are as many as the scripts below need.
const uplinks = 3

func TestMain(m *testing.M) {
	asTest := len(os.Args) < 2 || strings.HasPrefix(os.Args[1], "-test.")
	if os.Args[0] == engineName || lab.Inside() && !asTest {
		main()
		return
	}
	os.Exit(labtest.Main(m))
}

// The router has a namespace of its own for everything; its cables, and one channel, are all that leads out of there. So
// nothing of the world can be reached but through them, as from a machine.
func TestScriptsRunInAWorldThatIsElsewhere(t *testing.T) {
	labtest.Build(t)
	both := []string{"nftables", "iptables"}
	for script, backends := range map[string][]string{
		"failover-silent": both, "inbound": both,
		"failover-carrier-openwrt": both[:1], "openwrt-boot": both[:1], "track/name": both[:1],
		"flows-move": both[1:], "use-uplink": both[1:],
	} {
		for _, backend := range backends {
			t.Run(script+"/"+backend, func(t *testing.T) {
				t.Parallel()
				labtest.In(t, func(t *testing.T) { playElsewhere(t, script, backend) })
			})
		}
	}
}

// playElsewhere plays a script with a router that has the host's files.
func playElsewhere(t *testing.T, script, backend string) {
	t.Helper()
	files, err := filepath.Abs("../../openwrt/files")
	labtest.Check(t, err)
	router := exec.Command("/proc/self/exe", "-bin="+os.Getenv(labtest.BinEnv), "-files="+files, "-machine=false", channel)
	playOn(t, router, channel, remote.Job{Name: script, Backend: backend, Patience: 2})
}

// playOn draws a world, starts a router in it, which finds its channel at a path of ours, and has it play a script.
func playOn(t *testing.T, router *exec.Cmd, path string, job remote.Job) {
	t.Helper()
	text, err := os.ReadFile("../testdata/script/" + job.Name + ".txtar")
	labtest.Check(t, err)
	job.Name, job.Text = filepath.Base(job.Name), string(text)
	world, err := lab.DrawWorld(uplinks)
	labtest.Check(t, err)
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	labtest.Check(t, err, listener.SetDeadline(time.Now().Add(patience)))
	start(t, router)
	conn, err := listener.Accept()
	labtest.Check(t, err)
	var log lines
	guest := remote.Serve(conn, world, &log)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	labtest.Check(t, guest.Await(ctx, handOver(t, router.Process.Pid)))
	result, err := guest.Run(ctx, job)
	if err != nil || result.Status != "pass" {
		t.Errorf("%+v, %v\n%s", result, err, log.String())
	}
	labtest.Check(t, guest.PowerOff())
	_ = router.Wait() // as every machine that is switched off, it does not end by itself
	labtest.Check(t, guest.Close())
}

// start starts a router in namespaces of its own.
func start(t *testing.T, router *exec.Cmd) {
	t.Helper()
	router.Args[0] = engineName
	router.Stdout, router.Stderr = os.Stdout, os.Stderr
	if router.SysProcAttr == nil {
		router.SysProcAttr = &syscall.SysProcAttr{}
	}
	router.SysProcAttr.Cloneflags = syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID
	labtest.Check(t, router.Start())
	t.Cleanup(func() { _ = router.Process.Kill() })
}

// handOver gives the router its ends of the cables and tells which card is which. It has to find out the names itself.
func handOver(t *testing.T, pid int) map[string]string {
	t.Helper()
	cards := map[string]string{}
	for i, cable := range append(lab.Cables(uplinks), "lan2") {
		link, err := netlink.LinkByName(cable)
		labtest.Check(t, err)
		cards[link.Attrs().HardwareAddr.String()] = cable
		labtest.Check(t, netlink.LinkSetDown(link), netlink.LinkSetName(link, fmt.Sprintf("eth%d", i)), netlink.LinkSetNsPid(link, pid))
	}
	return cards
}

// lines is a log that can be read at any time.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(text)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
