// Command look is the smallest engine: it runs on the router and does what the host says, to see what the router can do.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"

	"mwan3/bind"
	"mwan3/network"
	"qemu/look/wire"
)

func main() {
	if err := serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "look: %v\n", err)
		os.Exit(1)
	}
}

// serve answers one line after the other until there are no more.
func serve(from io.Reader, to io.Writer) error {
	requests := json.NewDecoder(bufio.NewReader(from))
	answers := json.NewEncoder(to)
	if err := answers.Encode(wire.Answer{Out: "here"}); err != nil {
		return err
	}
	for {
		var request wire.Request
		err := requests.Decode(&request)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if request == (wire.Request{}) {
			return nil
		}
		if err := answers.Encode(do(request)); err != nil {
			return err
		}
	}
}

func do(r wire.Request) wire.Answer {
	out, err := []byte(r.Echo), error(nil)
	switch {
	case r.Run != "":
		out, err = exec.Command("/bin/sh", "-c", r.Run).CombinedOutput()
	case r.Bind != "":
		err = tie(r.Bind)
	}
	answer := wire.Answer{Out: string(out)}
	if err != nil {
		answer.Error = err.Error()
	}
	return answer
}

// tie binds this process to a device, as mwan3 use does.
func tie(device string) error {
	card, err := net.InterfaceByName(device)
	if err != nil {
		return err
	}
	return bind.Enter(bind.Binding{
		Family: network.IPv4, Device: device, Index: uint32(card.Index), Source: netip.MustParseAddr("192.0.2.1"), Mark: 0x100,
	})
}
