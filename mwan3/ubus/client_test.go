package ubus

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestACallLooksTheObjectUpOnce(t *testing.T) {
	client := connected(t, func(p peer) {
		p.answerLookup("service", 0x5678)
		for range 2 {
			seq := p.hearInvoke(0x5678, "list", Table{{"name", "mwan3"}})
			p.sayData(seq, Table{{"mwan3", Table{{"n", 1}}}})
			p.sayStatus(seq, StatusOK)
		}
	})
	for range 2 {
		got, err := client.Call(within(t), "service", "list", Table{{"name", "mwan3"}})
		if diff := cmp.Diff(Table{{"mwan3", Table{{"n", int64(1)}}}}, got); diff != "" || err != nil {
			t.Errorf("%v, difference (-want +got):\n%s", err, diff)
		}
	}
}

func TestAnObjectWithANewIDIsFoundAgain(t *testing.T) {
	client := connected(t, func(p peer) {
		p.answerLookup("service", 0x5678)
		p.sayStatus(p.hearInvoke(0x5678, "list", nil), StatusNotFound)
		p.answerLookup("service", 0x9abc)
		p.sayStatus(p.hearInvoke(0x9abc, "list", nil), StatusOK)
	})
	if got, err := client.Call(within(t), "service", "list", nil); got != nil || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestErrorsTellWhoDidNotFindWhat(t *testing.T) {
	tests := map[string]struct {
		serve func(p peer)
		want  error
		text  string
	}{
		"the object is not there": {
			func(p peer) { p.sayStatus(p.hearLookup("service"), StatusNotFound) },
			NoObject, "ubus call service list: no such object"},
		"the object is hidden": {
			func(p peer) { p.sayStatus(p.hearLookup("service"), StatusOK) },
			NoObject, "ubus call service list: no such object"},
		"the object is not there any more": {
			func(p peer) {
				p.answerLookup("service", 5)
				p.sayStatus(p.hearInvoke(5, "list", nil), StatusNotFound)
				p.sayStatus(p.hearLookup("service"), StatusNotFound)
			}, NoObject, "ubus call service list: no such object"},
		"the object did not find what it was asked for": {
			func(p peer) {
				p.answerLookup("service", 5)
				p.sayStatus(p.hearInvoke(5, "list", nil), StatusNotFound)
				p.answerLookup("service", 5)
			}, StatusNotFound, "ubus call service list: not found"},
		"the method is not there": {
			func(p peer) {
				p.answerLookup("service", 5)
				p.sayStatus(p.hearInvoke(5, "list", nil), StatusMethodNotFound)
			}, StatusMethodNotFound, "ubus call service list: method not found"},
		"a status from the future": {
			func(p peer) { p.sayStatus(p.hearLookup("service"), 99) },
			Status(99), "ubus call service list: unknown status"},
		"a status message without a status": {
			func(p peer) { p.say(Message{Type: MsgStatus, Seq: p.hearLookup("service")}) },
			Garbled, "ubus call service list: what was received is not ubus: status message without a status"},
		"a table that is none": {
			func(p peer) {
				p.answerLookup("service", 5)
				seq := p.hearInvoke(5, "list", nil)
				p.say(Message{Type: MsgData, Seq: seq, Attrs: []Attr{{AttrData, []byte{1}}}})
			}, Garbled, "ubus call service list: what was received is not ubus: attribute reaches over the end"},
		"ubusd goes away": {
			func(p peer) { p.hearLookup("service") },
			Lost, "ubus call service list: connection lost: EOF"},
		"something else than ubus": {
			func(p peer) {
				p.hearLookup("service")
				p.conn.Write([]byte("HTTP/1.1 400 Bad Request\r\n"))
			}, Garbled, "ubus call service list: what was received is not ubus: message of version 72"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := connected(t, test.serve).Call(within(t), "service", "list", nil)
			if got != nil || !errors.Is(err, test.want) || err.Error() != test.text {
				t.Errorf("got %v, %v\nwant %s", got, err, test.text)
			}
		})
	}
}

func TestOnlyWhatMayGoAwayIsPassing(t *testing.T) {
	for _, err := range []error{NoDaemon, NoObject, NoAnswer, Lost} {
		if !Passing(errors.Join(errors.New("x"), err)) {
			t.Errorf("%v must be passing", err)
		}
	}
	for _, err := range []error{nil, Garbled, Unsent, StatusNotFound, StatusPermissionDenied, errors.New("x")} {
		if Passing(err) {
			t.Errorf("%v must not be passing", err)
		}
	}
}

func TestACallEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(within(t))
	client := connected(t, func(p peer) {
		late := p.hearLookup("service")
		cancel()
		p.hearLookup("service")
		p.sayStatus(late, StatusNotFound)
		p.say(Message{Type: MsgData, Seq: late + 1, Attrs: []Attr{TextAttr(AttrObjPath, "service"), Uint32Attr(AttrObjID, 7)}})
		p.sayStatus(late+1, StatusOK)
		p.sayStatus(p.hearInvoke(7, "list", nil), StatusOK)
	})
	_, err := client.Call(ctx, "service", "list", nil)
	if !errors.Is(err, NoAnswer) || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if _, err := client.Call(within(t), "service", "list", nil); err != nil {
		t.Errorf("the late answer to the first call spoils the second: %v", err)
	}
}

func TestACallThatCannotBeSentHarmsNothing(t *testing.T) {
	client := connected(t, func(p peer) {
		p.answerLookup("service", 5)
		p.sayStatus(p.hearInvoke(5, "list", nil), StatusOK)
	})
	_, err := client.Call(within(t), "service", "list", Table{{"name", "\x00"}})
	if !errors.Is(err, Unsent) {
		t.Errorf("got %v", err)
	}
	if _, err := client.Call(within(t), "service", "list", nil); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestAMessageInTheMiddleOfWritingEndsTheConnection(t *testing.T) {
	here, there := net.Pipe()
	defer there.Close()
	ctx, cancel := context.WithCancel(within(t))
	c := &Client{conn: here, in: NewReader(here), ids: map[string]uint32{}}
	done := make(chan error)
	go func() {
		_, err := c.Call(ctx, "service", "list", nil)
		done <- err
	}()
	if _, err := there.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-done; !errors.Is(err, NoAnswer) {
		t.Errorf("the call ended with %v", err)
	}
	if _, err := c.Call(within(t), "service", "list", nil); !errors.Is(err, Lost) {
		t.Errorf("the next call ended with %v", err)
	}
}

func TestDialTellsWhetherThereIsAnUbusd(t *testing.T) {
	dir := t.TempDir()
	if _, err := Dial(within(t), filepath.Join(dir, "missing")); !errors.Is(err, NoDaemon) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a socket: %v", err)
	}
	path := filepath.Join(dir, "left")
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: path})
	if err != nil {
		t.Fatal(err)
	}
	listener.SetUnlinkOnClose(false)
	listener.Close()
	if _, err := Dial(within(t), path); !errors.Is(err, NoDaemon) || !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("with a socket that nobody listens at: %v", err)
	}
}

func TestDialExpectsAHello(t *testing.T) {
	tests := map[string]struct {
		serve func(c net.Conn, cancel func())
		want  error
	}{
		"another message": {func(c net.Conn, _ func()) { peer{t: t, conn: c}.say(Message{Type: MsgData}) }, Garbled},
		"nothing":         {func(_ net.Conn, cancel func()) { cancel() }, NoAnswer},
		"the end":         {func(c net.Conn, _ func()) { c.Close() }, Lost},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(within(t))
			path := listen(t, func(c net.Conn) { test.serve(c, cancel) })
			if _, err := Dial(ctx, path); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

func TestFileDescriptorsThatRideOnAMessageAreClosed(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	hello, err := Message{Type: MsgHello}.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	path := listen(t, func(c net.Conn) {
		rights := syscall.UnixRights(int(write.Fd()))
		if _, _, err := c.(*net.UnixConn).WriteMsgUnix(hello, rights, nil); err != nil {
			t.Error(err)
		}
		write.Close()
	})
	client, err := Dial(within(t), path)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if n, err := read.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("the pipe is still open for writing: %d, %v", n, err)
	}
}
