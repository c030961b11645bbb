// Package machine runs a router in QEMU: its disk, its network cards, its console, and a channel to the program on it.
package machine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"qemu/command"
	"qemu/qmp"
)

// Machine is a router that is switched on.
type Machine struct {
	dir     string // console.log and the disk
	sockets string // a folder of its own, with a short name
	process *os.Process
	control *qmp.Client
	channel net.Conn
	console net.Conn // nil until somebody asks
	ended   chan struct{}
	failure error // of QEMU; valid after ended

	firmware []string      // of arch.Arch
	silent   chan struct{} // QEMU says no more
	ending   Ending        // valid after silent
}

// Ending is why a machine is off.
type Ending string

// What QEMU says of a machine that it ended, and ours for one whose QEMU was.
const (
	PoweredOff Ending = "guest-shutdown" // the router switched itself off
	Quit       Ending = "host-qmp-quit"  // Close
	Killed     Ending = "killed"         // ctx ended, or somebody killed QEMU
)

// Start makes the taps, switches the machine on and returns at once, while it boots. The machine is killed when ctx ends.
func Start(ctx context.Context, c Config) (*Machine, error) {
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return nil, err
	}
	if err := prepareDisk(ctx, c, dir); err != nil {
		return nil, err
	}
	sockets, err := os.MkdirTemp("", "qemu-")
	if err != nil {
		return nil, err
	}
	m := &Machine{dir: dir, sockets: sockets, ended: make(chan struct{}), firmware: c.Arch.Firmware}
	if err := m.launch(ctx, c); err != nil {
		return nil, errors.Join(err, os.RemoveAll(sockets))
	}
	if err := m.connect(); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return m, nil
}

// prepareDisk makes the disk that the machine writes to, on top of the image's, unless there is one from before.
func prepareDisk(ctx context.Context, c Config, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	disk := filepath.Join(dir, diskFile)
	if _, err := os.Stat(disk); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	base, err := filepath.Abs(c.Image.Disk)
	if err != nil {
		return err
	}
	_, err = command.Run(ctx, "", "qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", base, disk)
	return err
}

// launch starts QEMU with the taps, which this process lets go of afterwards.
func (m *Machine) launch(ctx context.Context, c Config) error {
	cmd := exec.CommandContext(ctx, c.Arch.System, c.args(m.dir)...)
	cmd.Dir = m.sockets
	var taps []*os.File
	defer func() {
		for _, tap := range taps {
			tap.Close()
		}
	}()
	for _, nic := range c.NICs {
		tap, err := openTap(nic.Tap)
		if err != nil {
			return err
		}
		taps = append(taps, tap)
	}
	cmd.ExtraFiles = taps
	started := make(chan error)
	go m.watch(cmd, started)
	return <-started
}

// watch starts QEMU and waits for its end, on a thread of its own: the kernel kills QEMU when the thread that started it ends.
func (m *Machine) watch(cmd *exec.Cmd, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var complaints strings.Builder
	cmd.Stderr = &complaints
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	err := cmd.Start()
	m.process = cmd.Process
	started <- err
	if err != nil {
		return
	}
	if err := cmd.Wait(); err != nil {
		m.failure = fmt.Errorf("%s: %w\n%s", cmd.Path, err, complaints.String())
	}
	close(m.ended)
}

// connect waits until QEMU listens, which it does before the machine runs.
func (m *Machine) connect() error {
	conn, err := m.dial(controlSocket)
	if err != nil {
		return err
	}
	if m.control, err = qmp.New(conn); err != nil {
		return errors.Join(err, conn.Close())
	}
	m.silent, m.ending = make(chan struct{}), Killed
	go m.listen()
	m.channel, err = m.dial(channelSocket)
	return errors.Join(err, m.setUp())
}

// listen does the firmware's work whenever the router has been reset, and notes why it is off.
func (m *Machine) listen() {
	defer close(m.silent)
	for event := range m.control.Events() {
		switch event.Name {
		case "RESET":
			_ = m.setUp() // fails only when QEMU ends
		case "SHUTDOWN":
			var data struct{ Reason Ending }
			if json.Unmarshal(event.Data, &data) == nil {
				m.ending = data.Reason
			}
		}
	}
}

// setUp does what the firmware does. A kernel needs it long after it has begun.
func (m *Machine) setUp() error {
	for _, line := range m.firmware {
		var complaint string
		err := m.control.Do("human-monitor-command", map[string]any{"command-line": line}, &complaint)
		if err == nil && complaint != "" {
			err = errors.New(complaint)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", line, err)
		}
	}
	return nil
}

// patience is how long a QEMU on a busy host may take to listen.
const patience = 30 * time.Second

func (m *Machine) dial(socket string) (net.Conn, error) {
	for began := time.Now(); ; {
		conn, err := net.Dial("unix", filepath.Join(m.sockets, socket))
		if err == nil {
			return conn, nil
		}
		select {
		case <-m.ended:
			return nil, errors.Join(errors.New("QEMU ended at once"), m.failure)
		case <-time.After(10 * time.Millisecond):
		}
		if time.Since(began) > patience {
			return nil, fmt.Errorf("QEMU does not listen at %s: %w", socket, err)
		}
	}
}

// Channel returns the connection to the router's port named lab, and so to its engine. It holds back what is written before
// the engine reads.
func (m *Machine) Channel() net.Conn { return m.channel }

// Console returns a connection to the serial console. What the machine wrote before is only in ConsoleLog.
func (m *Machine) Console() (net.Conn, error) {
	if m.console != nil {
		return m.console, nil
	}
	conn, err := m.dial(consoleSocket)
	m.console = conn
	return conn, err
}

// ConsoleLog is the file with all that the machine wrote on its console; with the same Dir, that of earlier starts comes first.
func (m *Machine) ConsoleLog() string { return filepath.Join(m.dir, consoleFile) }

// SetLink plugs a card's cable in or pulls it; the router sees the carrier.
func (m *Machine) SetLink(nic string, up bool) error {
	return m.control.Do("set_link", map[string]any{"name": "nic-" + nic, "up": up}, nil)
}

// Reset is the reset button: the router begins anew without having written what it still had in memory. As when it reboots by
// itself, the taps and the channel stay, and its engine begins anew, too.
func (m *Machine) Reset() error { return m.control.Do("system_reset", nil, nil) }

// Command runs any command of QEMU's machine protocol.
func (m *Machine) Command(name string, arguments, result any) error {
	return m.control.Do(name, arguments, result)
}

// Wait returns when the machine is off, and why; an error if QEMU failed. Close is still to be called.
func (m *Machine) Wait() (Ending, error) {
	<-m.silent
	<-m.ended
	if m.ending == Killed {
		return m.ending, m.failure
	}
	return m.ending, nil
}

// Close switches the machine off if it is on, as by pulling the plug but with its disk in order, and waits for QEMU's end.
func (m *Machine) Close() error {
	if m.control != nil {
		// One that has ended does not answer, and that is all right.
		_ = m.control.Do("quit", nil, nil)
	}
	select {
	case <-m.ended:
	case <-time.After(5 * time.Second):
		_ = m.process.Kill()
		<-m.ended
	}
	for _, conn := range []net.Conn{m.channel, m.console} {
		if conn != nil {
			conn.Close()
		}
	}
	if m.control != nil {
		m.control.Close()
	}
	return os.RemoveAll(m.sockets)
}
