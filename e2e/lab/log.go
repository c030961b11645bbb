package lab

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
)

// LogFile is the router's system log: one line for each message, without the priority.
const LogFile = "/run/log"

// startLog makes the router's own system log.
func startLog() error {
	if err := os.Remove("/dev/log"); err != nil && !errors.Is(err, os.ErrNotExist) { // somebody else's, on a machine
		return fmt.Errorf("start the system log: %w", err)
	}
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: "/dev/log", Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("start the system log: %w", err)
	}
	file, err := os.Create(LogFile)
	if err != nil {
		return errors.Join(err, socket.Close())
	}
	go keepLog(socket, file)
	return nil
}

// keepLog writes the log as long as the lab lives.
func keepLog(socket *net.UnixConn, file *os.File) {
	message := make([]byte, 8192)
	for {
		n, err := socket.Read(message)
		if err != nil {
			return
		}
		line := message[:n]
		if _, text, ok := bytes.Cut(line, []byte(">")); ok {
			line = text
		}
		fmt.Fprintf(file, "%s\n", bytes.TrimRight(line, "\x00\n"))
	}
}
