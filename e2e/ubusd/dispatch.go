package ubusd

import (
	"strings"

	"mwan3/ubus"
)

// receive handles a client's message. All but answers and calls that are passed on get a status.
func (s *Server) receive(b *bus, c *conn, m ubus.Message) {
	b.watch(c, m, false)
	status := ubus.StatusOK
	switch m.Type {
	case ubus.MsgPing:
		b.send(c, ubus.Message{Type: ubus.MsgData, Seq: m.Seq, Peer: m.Peer, Attrs: m.Attrs})
	case ubus.MsgLookup:
		status = b.lookup(c, m)
	case ubus.MsgAddObject:
		status = b.addObject(c, m)
	case ubus.MsgRemoveObject:
		status = b.removeObject(c, m)
	case ubus.MsgSubscribe, ubus.MsgUnsubscribe:
		status = b.subscription(c, m)
	case ubus.MsgInvoke:
		var answered bool
		if status, answered = s.invoke(b, c, m); answered {
			return
		}
	case ubus.MsgNotify:
		var answered bool
		if status, answered = b.passNotification(c, m); answered {
			return
		}
	case ubus.MsgStatus, ubus.MsgData:
		b.passAnswer(c, m)
		return
	default:
		status = ubus.StatusInvalidCommand
	}
	b.reply(c, m, status)
}

// reply ends an answer of ubusd itself.
func (b *bus) reply(c *conn, m ubus.Message, status ubus.Status) {
	b.send(c, ubus.Message{Type: ubus.MsgStatus, Seq: m.Seq, Peer: m.Peer,
		Attrs: []ubus.Attr{ubus.Uint32Attr(ubus.AttrStatus, uint32(status))}})
}

func (b *bus) lookup(c *conn, m ubus.Message) ubus.Status {
	path := m.Text(ubus.AttrObjPath)
	if _, given := m.Find(ubus.AttrObjPath); !given {
		path = "*"
	} else if path == "" {
		return ubus.StatusInvalidArgument
	}
	found := b.matching(path)
	for _, o := range found {
		signature, err := ubus.TableAttr(ubus.AttrSignature, o.signature)
		if err != nil || o.kind == 0 {
			continue
		}
		b.send(c, ubus.Message{Type: ubus.MsgData, Seq: m.Seq, Peer: m.Peer, Attrs: []ubus.Attr{
			ubus.TextAttr(ubus.AttrObjPath, o.path), ubus.Uint32Attr(ubus.AttrObjID, o.id),
			ubus.Uint32Attr(ubus.AttrObjType, o.kind), signature}})
	}
	if len(found) == 0 && path != "*" {
		return ubus.StatusNotFound
	}
	return ubus.StatusOK
}

func (b *bus) addObject(c *conn, m ubus.Message) ubus.Status {
	o := &object{path: m.Text(ubus.AttrObjPath), owner: c}
	_, signed := m.Find(ubus.AttrSignature)
	if kind, ok := m.Uint32(ubus.AttrObjType); ok {
		o.kind, o.signature = kind, b.signatureOf(kind)
	} else if signed {
		signature, err := m.Table(ubus.AttrSignature)
		if err != nil {
			return ubus.StatusInvalidArgument
		}
		o.kind, o.signature = newID(), signature
	}
	if !b.add(o) {
		return ubus.StatusInvalidArgument
	}
	attrs := []ubus.Attr{ubus.Uint32Attr(ubus.AttrObjID, o.id)}
	if signed {
		attrs = append(attrs, ubus.Uint32Attr(ubus.AttrObjType, o.kind))
	}
	b.send(c, ubus.Message{Type: ubus.MsgData, Seq: m.Seq, Peer: m.Peer, Attrs: attrs})
	return ubus.StatusOK
}

// signatureOf returns the signature that other objects have under this id.
func (b *bus) signatureOf(kind uint32) ubus.Table {
	for _, o := range b.objects {
		if o.kind == kind {
			return o.signature
		}
	}
	return nil
}

func (b *bus) removeObject(c *conn, m ubus.Message) ubus.Status {
	o, status := b.owned(c, m)
	if status != ubus.StatusOK {
		return status
	}
	b.send(c, ubus.Message{Type: ubus.MsgData, Seq: m.Seq, Peer: m.Peer,
		Attrs: []ubus.Attr{ubus.Uint32Attr(ubus.AttrObjID, o.id)}})
	b.remove(o)
	return ubus.StatusOK
}

// owned returns the object that a message names, if it is the client's.
func (b *bus) owned(c *conn, m ubus.Message) (*object, ubus.Status) {
	id, ok := m.Uint32(ubus.AttrObjID)
	if !ok {
		return nil, ubus.StatusInvalidArgument
	}
	o := b.objects[id]
	switch {
	case o == nil:
		return nil, ubus.StatusNotFound
	case o.owner != c:
		return nil, ubus.StatusPermissionDenied
	}
	return o, ubus.StatusOK
}

// invoke handles a call; answered is false when only a status of ubusd is left to send.
func (s *Server) invoke(b *bus, c *conn, m ubus.Message) (status ubus.Status, answered bool) {
	id, ok := m.Uint32(ubus.AttrObjID)
	method := m.Text(ubus.AttrMethod)
	if _, named := m.Find(ubus.AttrMethod); !ok || !named {
		return ubus.StatusInvalidArgument, false
	}
	o := b.objects[id]
	switch {
	case id == eventObject:
		return b.callEvents(c, method, m), false
	case id == monitorObject:
		return b.callMonitor(c, method), false
	case o == nil:
		return ubus.StatusNotFound, false
	case o.owner != nil:
		b.passCall(c, o, m)
	case !s.muted[o.path]:
		s.answer(b, c, o, m)
	}
	return ubus.StatusOK, true
}

// answer calls a method of one of the daemons here.
func (s *Server) answer(b *bus, c *conn, o *object, m ubus.Message) {
	method := m.Text(ubus.AttrMethod)
	args, err := m.Table(ubus.AttrData)
	_, given := m.Find(ubus.AttrData)
	reply := func(result ubus.Table, status ubus.Status) { b.answered(c, o, m, result, status) }
	switch {
	case err != nil || !given:
		reply(nil, ubus.StatusInvalidArgument)
	case o.signature.Get(method) == nil:
		reply(nil, ubus.StatusMethodNotFound)
	case o.plugin != nil:
		s.callPlugin(o.plugin, method, args, reply)
	default:
		reply(o.handle(method, args))
	}
}

// answered sends the answer of a method.
func (b *bus) answered(c *conn, o *object, m ubus.Message, result ubus.Table, status ubus.Status) {
	id := ubus.Uint32Attr(ubus.AttrObjID, o.id)
	if data, err := ubus.TableAttr(ubus.AttrData, result); result != nil && err == nil {
		b.send(c, ubus.Message{Type: ubus.MsgData, Seq: m.Seq, Peer: o.id, Attrs: []ubus.Attr{id, data}})
	}
	b.send(c, ubus.Message{Type: ubus.MsgStatus, Seq: m.Seq, Peer: o.id,
		Attrs: []ubus.Attr{ubus.Uint32Attr(ubus.AttrStatus, uint32(status)), id}})
}

// passCall hands a call on to the client that has published the object, or a notification to one that has subscribed.
func (b *bus) passCall(c *conn, o *object, m ubus.Message) {
	var attrs []ubus.Attr
	if m.Type == ubus.MsgNotify && m.Bool(ubus.AttrNoReply) {
		attrs = append(attrs, ubus.BoolAttr(ubus.AttrNoReply, true))
	}
	attrs = append(attrs, ubus.Uint32Attr(ubus.AttrObjID, o.id), ubus.TextAttr(ubus.AttrMethod, m.Text(ubus.AttrMethod)))
	if c.user != "" {
		attrs = append(attrs, ubus.TextAttr(ubus.AttrUser, c.user))
	}
	if c.group != "" {
		attrs = append(attrs, ubus.TextAttr(ubus.AttrGroup, c.group))
	}
	if data, ok := m.Find(ubus.AttrData); ok {
		attrs = append(attrs, ubus.Attr{ID: ubus.AttrData, Data: data})
	}
	b.send(o.owner, ubus.Message{Type: ubus.MsgInvoke, Seq: m.Seq, Peer: c.id, Attrs: attrs})
}

// passAnswer hands an answer on to the client that has called. One that nobody has asked for is dropped.
func (b *bus) passAnswer(c *conn, m ubus.Message) {
	o, status := b.owned(c, m)
	if status != ubus.StatusOK {
		return
	}
	for caller := range b.conns {
		if caller.id == m.Peer {
			m.Peer = o.id
			b.send(caller, m)
			return
		}
	}
}

// matches tells whether an event's name fits what somebody listens for.
func matches(pattern, name string) bool {
	prefix, partial := strings.CutSuffix(pattern, "*")
	return pattern == name || partial && strings.HasPrefix(name, prefix)
}
