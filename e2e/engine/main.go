// Engine is the router's side of a lab as a program of its own, for a router that is a whole machine: it runs scripts at the
// router's console, and asks the world around the router over a channel. See package remote for what is said there.
//
//	engine [-bin DIR] [-files DIR] [-machine=false] [CHANNEL]
//
// CHANNEL is a device, such as a virtio-serial port (/dev/vport0p1), or a unix socket; it is waited for. Without it the channel
// is the standard input, in both directions. The programs under
// test are installed, unless -bin names a directory of theirs; so are the project's files for OpenWrt, or -files names
// openwrt/files. Started as init, engine does what an init must, and switches the machine off in the end. Started by an
// init, it ends: with 0 after a reboot or an end was ordered.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"e2e/lab"
	"e2e/remote"
	"e2e/words"
)

// patience is how long drivers may take to show a channel.
const patience = time.Minute

func main() {
	err := lab.EnterMachine()
	if err == nil {
		err = obey()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "engine:", err)
		os.Exit(1)
	}
}

// obey does what is asked over the channel.
func obey() error {
	bin := flag.String("bin", "", "directory of the programs under test")
	files := flag.String("files", "", "directory of OpenWrt's files")
	machine := flag.Bool("machine", true, "all files are the router's own")
	flag.Parse()
	conn, err := open(flag.Arg(0))
	if err != nil {
		return fmt.Errorf("open the channel: %w", err)
	}
	options := words.Options{Bin: *bin, Files: *files, Machine: *machine}
	router := remote.Router{Cards: lab.NameCards, Script: func(job remote.Job, w remote.World, log io.Writer) remote.Result {
		return play(job, w, log, options)
	}}
	again, err := router.Obey(conn)
	if err != nil {
		return fmt.Errorf("the channel: %w", err)
	}
	if *machine {
		return lab.EndMachine(again)
	}
	return nil
}

// open waits for a channel and opens it.
func open(path string) (io.ReadWriteCloser, error) {
	if path == "" {
		return os.Stdin, raw(os.Stdin)
	}
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		info, err := os.Stat(path)
		switch {
		case err == nil && info.Mode()&os.ModeSocket != 0:
			return net.Dial("unix", path)
		case err == nil:
			file, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY, 0)
			return file, errors.Join(err, raw(file))
		case time.Now().After(end):
			return nil, err
		}
	}
}

// raw makes a terminal line pass all bytes as they are.
func raw(file *os.File) error {
	if file == nil {
		return nil
	}
	line, err := unix.IoctlGetTermios(int(file.Fd()), unix.TCGETS)
	if err != nil {
		return nil // it is no terminal
	}
	line.Iflag, line.Oflag, line.Lflag = 0, 0, 0
	line.Cflag = line.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8
	return unix.IoctlSetTermios(int(file.Fd()), unix.TCSETS, line)
}
