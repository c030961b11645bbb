package ubusd

import (
	"errors"
	"os/user"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mwan3/ubus"
)

func TestRequestsGetTheStatusThatUbusdGives(t *testing.T) {
	_, path := start(t)
	object := func(id uint32) ubus.Attr { return ubus.Uint32Attr(ubus.AttrObjID, id) }
	method := func(name string) ubus.Attr { return ubus.TextAttr(ubus.AttrMethod, name) }
	data := func(namesAndValues ...any) ubus.Attr { return attr(t, ubus.AttrData, row(namesAndValues...)) }
	tests := map[string]struct {
		kind  ubus.MessageType
		attrs []ubus.Attr
		want  ubus.Status
	}{
		"unknown message type":       {99, nil, ubus.StatusInvalidCommand},
		"hello":                      {ubus.MsgHello, nil, ubus.StatusInvalidCommand},
		"lookup of nothing":          {ubus.MsgLookup, []ubus.Attr{ubus.TextAttr(ubus.AttrObjPath, "")}, ubus.StatusInvalidArgument},
		"lookup of what is missing":  {ubus.MsgLookup, []ubus.Attr{ubus.TextAttr(ubus.AttrObjPath, "x")}, ubus.StatusNotFound},
		"lookup of a missing prefix": {ubus.MsgLookup, []ubus.Attr{ubus.TextAttr(ubus.AttrObjPath, "x*")}, ubus.StatusNotFound},
		"call without object":        {ubus.MsgInvoke, []ubus.Attr{method("x")}, ubus.StatusInvalidArgument},
		"call without method":        {ubus.MsgInvoke, []ubus.Attr{object(5)}, ubus.StatusInvalidArgument},
		"call of a missing object":   {ubus.MsgInvoke, []ubus.Attr{object(5), method("x")}, ubus.StatusNotFound},
		"remove without object":      {ubus.MsgRemoveObject, nil, ubus.StatusInvalidArgument},
		"remove a missing object":    {ubus.MsgRemoveObject, []ubus.Attr{object(5)}, ubus.StatusNotFound},
		"subscribe without target":   {ubus.MsgSubscribe, []ubus.Attr{object(5)}, ubus.StatusInvalidArgument},
		"notify without method":      {ubus.MsgNotify, []ubus.Attr{object(5)}, ubus.StatusInvalidArgument},
		"notify from nowhere":        {ubus.MsgNotify, []ubus.Attr{object(5), method("x")}, ubus.StatusNotFound},
		"publish what is there": {ubus.MsgAddObject, []ubus.Attr{ubus.TextAttr(ubus.AttrObjPath, "service")},
			ubus.StatusInvalidArgument},
		"publish with a wrong signature": {ubus.MsgAddObject, []ubus.Attr{{ID: ubus.AttrSignature, Data: []byte{1}}},
			ubus.StatusInvalidArgument},
		"unknown method of events": {ubus.MsgInvoke, []ubus.Attr{object(1), method("x"), data()}, ubus.StatusInvalidCommand},
		"events with garbage": {ubus.MsgInvoke, []ubus.Attr{object(1), method("send"), {ID: ubus.AttrData, Data: []byte{1}}},
			ubus.StatusInvalidArgument},
		"unknown method of monitors": {ubus.MsgInvoke, []ubus.Attr{object(3), method("x"), data()}, ubus.StatusMethodNotFound},
		"register without pattern": {ubus.MsgInvoke, []ubus.Attr{object(1), method("register"), data("object", 5000)},
			ubus.StatusInvalidArgument},
		"register a system object": {ubus.MsgInvoke, []ubus.Attr{object(1), method("register"), data("object", 5, "pattern", "x")},
			ubus.StatusPermissionDenied},
		"register a missing object": {ubus.MsgInvoke, []ubus.Attr{object(1), method("register"), data("object", 5000, "pattern", "x")},
			ubus.StatusNotFound},
		"send without data":     {ubus.MsgInvoke, []ubus.Attr{object(1), method("send"), data("id", "x")}, ubus.StatusInvalidArgument},
		"send in ubusd's name":  {ubus.MsgInvoke, []ubus.Attr{object(1), method("send"), data("id", "ubus.x", "data", row())}, ubus.StatusPermissionDenied},
		"send to nobody":        {ubus.MsgInvoke, []ubus.Attr{object(1), method("send"), data("id", "x", "data", row())}, ubus.StatusOK},
		"stop being no monitor": {ubus.MsgInvoke, []ubus.Attr{object(3), method("remove"), data()}, ubus.StatusOK},
	}
	client := dialRaw(t, path)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			client.write(ubus.Message{Type: test.kind, Seq: 9, Peer: 5, Attrs: test.attrs})
			client.expect(status(9, 5, test.want))
		})
	}
}

func TestPingComesBack(t *testing.T) {
	_, path := start(t)
	client := dialRaw(t, path)
	ping := ubus.Message{Type: ubus.MsgPing, Seq: 3, Attrs: []ubus.Attr{ubus.TextAttr(ubus.AttrMethod, "x")}}
	client.write(ping)
	ping.Type = ubus.MsgData
	client.expect(ping)
	client.expect(status(3, 0, ubus.StatusOK))
}

func TestAClientThatTalksNonsenseIsCutOff(t *testing.T) {
	_, path := start(t)
	client := dialRaw(t, path)
	if _, err := client.conn.Write([]byte("GET / HTTP/1.1\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	if m, err := client.in.Next(); err == nil {
		t.Errorf("it got %+v", m)
	}
	call(t, dial(t, path), "service", "list", nil)
}

func TestLookupFindsPathsAndPrefixesInOrder(t *testing.T) {
	s, path := start(t)
	s.SetInterface("wanb", Interface{})
	s.SetInterface("wan", Interface{})
	tests := map[string][]string{
		"":                     {"network.interface", "network.interface.wan", "network.interface.wanb", "service"},
		"network.interface.*":  {"network.interface.wan", "network.interface.wanb"},
		"network.interface":    {"network.interface"},
		"network.interface.w*": {"network.interface.wan", "network.interface.wanb"},
	}
	for pattern, want := range tests {
		client := dialRaw(t, path)
		m := ubus.Message{Type: ubus.MsgLookup, Seq: 1}
		if pattern != "" {
			m.Attrs = []ubus.Attr{ubus.TextAttr(ubus.AttrObjPath, pattern)}
		}
		client.write(m)
		var got []string
		m = client.read()
		for ; m.Type == ubus.MsgData; m = client.read() {
			got = append(got, m.Text(ubus.AttrObjPath))
		}
		if code, _ := m.Uint32(ubus.AttrStatus); code != 0 || cmp.Diff(want, got) != "" {
			t.Errorf("%q found %v, status %d", pattern, got, code)
		}
	}
}

func TestCallsReachTheClientThatPublishedTheObject(t *testing.T) {
	_, path := start(t)
	service := dialRaw(t, path)
	id := service.publish(ubus.TextAttr(ubus.AttrObjPath, "mwan3"),
		attr(t, ubus.AttrSignature, row("status", row("section", argText))))
	answered := make(chan ubus.Table)
	go func() {
		client := dial(t, path)
		answered <- call(t, client, "mwan3", "status", row("section", "policies"))
	}()
	question := service.read()
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	group, err := user.LookupGroupId(me.Gid)
	if err != nil {
		t.Fatal(err)
	}
	want := ubus.Message{Type: ubus.MsgInvoke, Seq: question.Seq, Peer: question.Peer, Attrs: []ubus.Attr{
		ubus.Uint32Attr(ubus.AttrObjID, id), ubus.TextAttr(ubus.AttrMethod, "status"),
		ubus.TextAttr(ubus.AttrUser, me.Username), ubus.TextAttr(ubus.AttrGroup, group.Name),
		attr(t, ubus.AttrData, row("section", "policies"))}}
	if diff := cmp.Diff(bytesOf(t, want), bytesOf(t, question)); diff != "" {
		t.Errorf("call (-want +got):\n%s", diff)
	}
	service.write(ubus.Message{Type: ubus.MsgData, Seq: question.Seq, Peer: question.Peer, Attrs: []ubus.Attr{
		ubus.Uint32Attr(ubus.AttrObjID, id), attr(t, ubus.AttrData, row("ok", true))}})
	service.write(status(question.Seq, question.Peer, ubus.StatusOK, ubus.Uint32Attr(ubus.AttrObjID, id)))
	if diff := cmp.Diff(row("ok", true), <-answered); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
	client := dial(t, path)
	if err := client.Listen(within(t), "ubus.object.remove"); err != nil {
		t.Fatal(err)
	}
	service.conn.Close()
	expectEvent(t, client, ubus.Event{Name: "ubus.object.remove", Data: row("id", int64(int32(id)), "path", "mwan3")})
	if _, err := client.Call(within(t), "mwan3", "status", nil); !errors.Is(err, ubus.NoObject) {
		t.Errorf("when the service is gone: %v", err)
	}
}

func TestEventsReachListenersButNotTheirSender(t *testing.T) {
	s, path := start(t)
	sender, listener := dial(t, path), dial(t, path)
	for _, client := range []*ubus.Client{sender, listener} {
		for _, pattern := range []string{"news", "new*", "ubus.object.*"} {
			if err := client.Listen(within(t), pattern); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.Event("olds", nil)
	service := dialRaw(t, path)
	id := service.publish(ubus.TextAttr(ubus.AttrObjPath, "sender"))
	service.write(ubus.Message{Type: ubus.MsgInvoke, Seq: 2, Peer: 1, Attrs: []ubus.Attr{ubus.Uint32Attr(ubus.AttrObjID, 1),
		ubus.TextAttr(ubus.AttrMethod, "register"), attr(t, ubus.AttrData, row("object", id, "pattern", "news"))}})
	service.expect(status(2, 1, ubus.StatusOK))
	service.write(ubus.Message{Type: ubus.MsgInvoke, Seq: 3, Peer: 1, Attrs: []ubus.Attr{ubus.Uint32Attr(ubus.AttrObjID, 1),
		ubus.TextAttr(ubus.AttrMethod, "send"), attr(t, ubus.AttrData, row("id", "news", "data", row("n", 1)))}})
	service.expect(status(3, 1, ubus.StatusOK))
	service.write(ubus.Message{Type: ubus.MsgRemoveObject, Seq: 4, Attrs: []ubus.Attr{ubus.Uint32Attr(ubus.AttrObjID, id)}})
	service.expect(ubus.Message{Type: ubus.MsgData, Seq: 4, Attrs: []ubus.Attr{ubus.Uint32Attr(ubus.AttrObjID, id)}})
	service.expect(status(4, 0, ubus.StatusOK))
	object := row("id", int64(int32(id)), "path", "sender")
	for _, client := range []*ubus.Client{sender, listener} {
		expectEvent(t, client, ubus.Event{Name: "ubus.object.add", Data: object})
		expectEvent(t, client, ubus.Event{Name: "news", Data: row("n", int64(1))})
		expectEvent(t, client, ubus.Event{Name: "ubus.object.remove", Data: object})
	}
}

func TestNotificationsReachSubscribers(t *testing.T) {
	_, path := start(t)
	service, client := dialRaw(t, path), dialRaw(t, path)
	id := service.publish(ubus.TextAttr(ubus.AttrObjPath, "news"), attr(t, ubus.AttrSignature, nil))
	own := client.publish()
	pair := []ubus.Attr{ubus.Uint32Attr(ubus.AttrObjID, own), ubus.Uint32Attr(ubus.AttrTarget, id)}
	active := func(v bool) []ubus.Attr {
		return []ubus.Attr{ubus.Uint32Attr(ubus.AttrObjID, id), ubus.BoolAttr(ubus.AttrActive, v)}
	}
	client.write(ubus.Message{Type: ubus.MsgSubscribe, Seq: 1, Attrs: pair})
	client.expect(status(1, 0, ubus.StatusOK))
	note := service.read()
	if diff := cmp.Diff(active(true), note.Attrs); diff != "" || note.Type != ubus.MsgNotify {
		t.Errorf("type %d (-want +got):\n%s", note.Type, diff)
	}
	data := attr(t, ubus.AttrData, row("n", 1))
	method := ubus.TextAttr(ubus.AttrMethod, "update")
	service.write(ubus.Message{Type: ubus.MsgNotify, Seq: 5, Attrs: []ubus.Attr{ubus.Uint32Attr(ubus.AttrObjID, id), method, data}})
	service.expect(ubus.Message{Type: ubus.MsgStatus, Seq: 5, Attrs: []ubus.Attr{ubus.Uint32Attr(ubus.AttrObjID, id),
		{ID: ubus.AttrSubscribers, Data: attrBytes(ubus.Uint32Attr(0, own))}, ubus.Uint32Attr(ubus.AttrStatus, 0)}})
	if got := client.read(); got.Type != ubus.MsgInvoke || got.Text(ubus.AttrMethod) != "update" || got.Peer != service.id {
		t.Errorf("notified with %+v", got)
	}
	client.write(ubus.Message{Type: ubus.MsgUnsubscribe, Seq: 2, Attrs: pair})
	client.expect(status(2, 0, ubus.StatusOK))
	if diff := cmp.Diff(active(false), service.read().Attrs); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	client.write(ubus.Message{Type: ubus.MsgUnsubscribe, Seq: 3, Attrs: pair})
	client.expect(status(3, 0, ubus.StatusNotFound))
}

func TestMonitorsSeeWhatOthersSayAndHear(t *testing.T) {
	_, path := start(t)
	monitor := dialRaw(t, path)
	monitor.write(ubus.Message{Type: ubus.MsgInvoke, Seq: 1, Peer: 3, Attrs: []ubus.Attr{ubus.Uint32Attr(ubus.AttrObjID, 3),
		ubus.TextAttr(ubus.AttrMethod, "add"), attr(t, ubus.AttrData, nil)}})
	first := monitor.read() // its own status, as ubusd shows it too
	if kind, _ := first.Uint32(monitorType); first.Type != ubus.MsgMonitor || ubus.MessageType(kind) != ubus.MsgStatus {
		t.Errorf("first %+v", first)
	}
	monitor.expect(status(1, 3, ubus.StatusOK))
	client := dialRaw(t, path)
	client.write(ubus.Message{Type: ubus.MsgLookup, Seq: 8, Attrs: []ubus.Attr{ubus.TextAttr(ubus.AttrObjPath, "x")}})
	type seen struct {
		Client, Peer, Seq, Type uint32
		Sent                    bool
		Data                    []byte
	}
	var got []seen
	for range 3 {
		m := monitor.read()
		var s seen
		s.Client, _ = m.Uint32(monitorClient)
		s.Peer, _ = m.Uint32(monitorPeer)
		s.Seq, _ = m.Uint32(monitorSeq)
		s.Type, _ = m.Uint32(monitorType)
		s.Sent = m.Bool(monitorSend)
		s.Data, _ = m.Find(monitorData)
		got = append(got, s)
	}
	want := []seen{
		{client.id, client.id, 0, uint32(ubus.MsgHello), true, []byte{}},
		{client.id, 0, 8, uint32(ubus.MsgLookup), false, attrBytes(ubus.TextAttr(ubus.AttrObjPath, "x"))},
		{client.id, 0, 8, uint32(ubus.MsgStatus), true, attrBytes(ubus.Uint32Attr(ubus.AttrStatus, 4))},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("seen (-want +got):\n%s", diff)
	}
}
