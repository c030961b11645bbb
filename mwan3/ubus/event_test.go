package ubus

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// answerOwnObject expects that a nameless object is made and gives it the id.
func (p peer) answerOwnObject(id uint32) {
	seq := p.hear(Message{Type: MsgAddObject})
	p.say(Message{Type: MsgData, Seq: seq, Attrs: []Attr{Uint32Attr(AttrObjID, id)}})
	p.sayStatus(seq, StatusOK)
}

func (p peer) sayEvent(id uint32, name string, data Table) {
	p.say(Message{Type: MsgInvoke, Seq: 1, Attrs: []Attr{Uint32Attr(AttrObjID, id), TextAttr(AttrMethod, name),
		tableAttr(p.t, AttrData, data)}})
}

func expectEvent(t *testing.T, client *Client, want Event) {
	t.Helper()
	got, err := client.Next(within(t))
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v, difference (-want +got):\n%s", err, diff)
	}
}

func TestEventsAreHeardAfterListening(t *testing.T) {
	client := connected(t, func(p peer) {
		p.answerOwnObject(0xbadcafe1)
		seq := p.hearInvoke(eventObject, "register", Table{{"object", uint32(0xbadcafe1)}, {"pattern", "network.interface"}})
		p.sayStatus(seq, StatusOK)
		seq = p.hearInvoke(eventObject, "register", Table{{"object", uint32(0xbadcafe1)}, {"pattern", "ubus.object.*"}})
		p.sayEvent(0xbadcafe1, "network.interface", Table{{"action", "ifup"}, {"interface", "wan"}})
		p.sayStatus(seq, StatusOK)
		p.sayEvent(0x5678, "for somebody else", nil)
		p.sayEvent(0xbadcafe1, "ubus.object.add", Table{{"path", "network.interface"}})
	})
	for _, pattern := range []string{"network.interface", "ubus.object.*"} {
		if err := client.Listen(within(t), pattern); err != nil {
			t.Fatal(err)
		}
	}
	expectEvent(t, client, Event{"network.interface", Table{{"action", "ifup"}, {"interface", "wan"}}})
	expectEvent(t, client, Event{"ubus.object.add", Table{{"path", "network.interface"}}})
	if _, err := client.Next(within(t)); !errors.Is(err, Lost) {
		t.Errorf("when ubusd is gone: %v", err)
	}
}

func TestEventsArriveDuringCalls(t *testing.T) {
	client := connected(t, func(p peer) {
		p.answerOwnObject(7)
		p.sayStatus(p.hearInvoke(eventObject, "register", Table{{"object", uint32(7)}, {"pattern", "*"}}), StatusOK)
		seq := p.hearLookup("service")
		p.sayEvent(7, "first", nil)
		p.say(Message{Type: MsgData, Seq: seq, Attrs: []Attr{TextAttr(AttrObjPath, "service"), Uint32Attr(AttrObjID, 5)}})
		p.sayEvent(7, "second", nil)
		p.sayStatus(seq, StatusOK)
		p.sayStatus(p.hearInvoke(5, "list", nil), StatusOK)
	})
	if err := client.Listen(within(t), "*"); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Call(within(t), "service", "list", nil); err != nil {
		t.Fatal(err)
	}
	expectEvent(t, client, Event{Name: "first"})
	expectEvent(t, client, Event{Name: "second"})
}

func TestAnEventIsNotLostWhenTheWaitForItEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(within(t))
	client := connected(t, func(p peer) {
		p.answerOwnObject(7)
		p.sayStatus(p.hearInvoke(eventObject, "register", Table{{"object", uint32(7)}, {"pattern", "*"}}), StatusOK)
		event, err := Message{Type: MsgInvoke, Attrs: []Attr{Uint32Attr(AttrObjID, 7), TextAttr(AttrMethod, "e")}}.Append(nil)
		if err != nil {
			t.Error(err)
		}
		p.conn.Write(event[:5])
		cancel()
		p.conn.Write(event[5:])
	})
	if err := client.Listen(within(t), "*"); err != nil {
		t.Fatal(err)
	}
	_, err := client.Next(ctx)
	if err == nil {
		return // the event was faster than the end of the wait
	}
	if !errors.Is(err, NoAnswer) {
		t.Errorf("the wait ended with %v", err)
	}
	expectEvent(t, client, Event{Name: "e"})
}

func TestListenTellsWhyItFailed(t *testing.T) {
	tests := map[string]struct {
		serve func(p peer)
		want  string
	}{
		"not permitted": {
			func(p peer) {
				p.answerOwnObject(7)
				p.sayStatus(p.hearInvoke(eventObject, "register", Table{{"object", uint32(7)}, {"pattern", "x"}}), StatusPermissionDenied)
			}, "listen for ubus event x: permission denied"},
		"no object": {
			func(p peer) { p.sayStatus(p.hear(Message{Type: MsgAddObject}), StatusInvalidArgument) },
			"listen for ubus event x: invalid argument"},
		"no id": {
			func(p peer) { p.sayStatus(p.hear(Message{Type: MsgAddObject}), StatusOK) },
			"listen for ubus event x: what was received is not ubus: new object without an id"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if err := connected(t, test.serve).Listen(within(t), "x"); err == nil || err.Error() != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

func TestNotificationsOfAnObjectAreHeardUntilItIsGone(t *testing.T) {
	const path = "network.interface.wan"
	client := connected(t, func(p peer) {
		p.answerOwnObject(7)
		p.answerLookup(path, 5)
		seq := p.hear(Message{Type: MsgSubscribe, Attrs: []Attr{Uint32Attr(AttrObjID, 7), Uint32Attr(AttrTarget, 5)}})
		p.sayStatus(seq, StatusOK)
		update := Message{Type: MsgInvoke, Seq: 3, Peer: 0x99, Attrs: []Attr{Uint32Attr(AttrObjID, 7),
			TextAttr(AttrMethod, "interface.update"), tableAttr(t, AttrData, Table{{"interface", "wan"}})}}
		p.say(update)
		p.hear(Message{Type: MsgStatus, Seq: 3, Peer: 0x99, Attrs: []Attr{Uint32Attr(AttrStatus, 0), Uint32Attr(AttrObjID, 7)}})
		update.Attrs = append(update.Attrs, BoolAttr(AttrNoReply, true))
		p.say(update)
		p.say(Message{Type: MsgUnsubscribe, Attrs: []Attr{Uint32Attr(AttrObjID, 7), Uint32Attr(AttrTarget, 5)}})
		p.answerLookup(path, 6)
		seq = p.hear(Message{Type: MsgSubscribe, Attrs: []Attr{Uint32Attr(AttrObjID, 7), Uint32Attr(AttrTarget, 6)}})
		p.sayStatus(seq, StatusNotFound)
	})
	if err := client.Subscribe(within(t), path); err != nil {
		t.Fatal(err)
	}
	expectEvent(t, client, Event{"interface.update", Table{{"interface", "wan"}}})
	expectEvent(t, client, Event{"interface.update", Table{{"interface", "wan"}}})
	expectEvent(t, client, Event{Name: Unsubscribed})
	err := client.Subscribe(within(t), path)
	if want := "subscribe to ubus object network.interface.wan: not found"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
