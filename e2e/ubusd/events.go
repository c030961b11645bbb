package ubusd

import (
	"strings"

	"mwan3/ubus"
)

// callEvents answers for ubusd's own object for events.
func (b *bus) callEvents(c *conn, method string, m ubus.Message) ubus.Status {
	args, err := m.Table(ubus.AttrData)
	if err != nil {
		return ubus.StatusInvalidArgument
	}
	switch method {
	case "register":
		return b.register(c, args)
	case "send":
		return b.sendEvent(c, args)
	}
	return ubus.StatusInvalidCommand
}

func (b *bus) register(c *conn, args ubus.Table) ubus.Status {
	id, hasID := args.Get("object").(int64)
	pattern, hasPattern := args.Get("pattern").(string)
	o := b.objects[uint32(id)]
	switch {
	case !hasID || !hasPattern:
		return ubus.StatusInvalidArgument
	case uint32(id) < systemIDs || pattern == "":
		return ubus.StatusPermissionDenied
	case o == nil:
		return ubus.StatusNotFound
	case o.owner != c:
		return ubus.StatusPermissionDenied
	}
	o.patterns = append(o.patterns, pattern)
	return ubus.StatusOK
}

func (b *bus) sendEvent(c *conn, args ubus.Table) ubus.Status {
	name, hasName := args.Get("id").(string)
	data, hasData := args.Get("data").(ubus.Table)
	switch {
	case !hasName || !hasData:
		return ubus.StatusInvalidArgument
	case strings.HasPrefix(name, "ubus."):
		return ubus.StatusPermissionDenied
	}
	b.event(c, name, data)
	return ubus.StatusOK
}

// event tells every object that listens for the name, once each. Who sends the event does not hear it.
func (b *bus) event(from *conn, name string, data ubus.Table) {
	for _, o := range b.objects {
		if o.owner == nil || o.owner == from || !o.listens(name) {
			continue
		}
		b.tell(o, ubus.Message{Type: ubus.MsgInvoke, Seq: b.nextSeq()}, name, data)
	}
}

func (o *object) listens(name string) bool {
	for _, pattern := range o.patterns {
		if matches(pattern, name) {
			return true
		}
	}
	return false
}

// tell completes an event or a notification for an object and sends it.
func (b *bus) tell(o *object, m ubus.Message, name string, data ubus.Table) {
	attr, err := ubus.TableAttr(ubus.AttrData, data)
	if err != nil {
		return
	}
	m.Attrs = append(m.Attrs, ubus.Uint32Attr(ubus.AttrObjID, o.id), ubus.TextAttr(ubus.AttrMethod, name), attr)
	b.send(o.owner, m)
}

func (b *bus) objectEvent(name string, o *object) {
	b.event(nil, name, ubus.Table{{Name: "id", Value: o.id}, {Name: "path", Value: o.path}})
}

// subscription handles SUBSCRIBE and UNSUBSCRIBE.
func (b *bus) subscription(c *conn, m ubus.Message) ubus.Status {
	o, status := b.owned(c, m)
	target, given := m.Uint32(ubus.AttrTarget)
	switch {
	case status == ubus.StatusPermissionDenied || !given:
		return ubus.StatusInvalidArgument
	case status != ubus.StatusOK:
		return status
	case b.objects[target] == nil:
		return ubus.StatusNotFound
	case b.objects[target].owner == c:
		return ubus.StatusInvalidArgument
	case m.Type == ubus.MsgUnsubscribe:
		return b.unsubscribe(o, b.objects[target])
	}
	b.subscribe(o, b.objects[target])
	return ubus.StatusOK
}

func (b *bus) subscribe(o, target *object) {
	target.subscribers = append(target.subscribers, o)
	if len(target.subscribers) == 1 {
		b.tellActive(target)
	}
}

func (b *bus) unsubscribe(o, target *object) ubus.Status {
	rest := without(target.subscribers, o)
	if len(rest) == len(target.subscribers) {
		return ubus.StatusNotFound
	}
	target.subscribers = rest
	if len(rest) == 0 {
		b.tellActive(target)
	}
	return ubus.StatusOK
}

// tellActive tells the owner of an object whether anybody is subscribed to it.
func (b *bus) tellActive(o *object) {
	if o.owner == nil {
		return
	}
	b.send(o.owner, ubus.Message{Type: ubus.MsgNotify, Seq: b.nextSeq(), Attrs: []ubus.Attr{
		ubus.Uint32Attr(ubus.AttrObjID, o.id), ubus.BoolAttr(ubus.AttrActive, len(o.subscribers) > 0)}})
}

// notify sends a notification of one of the daemons here. It does not want answers.
func (b *bus) notify(o *object, name string, data ubus.Table) {
	for _, subscriber := range o.subscribers {
		b.tell(subscriber, ubus.Message{Type: ubus.MsgInvoke, Seq: b.nextSeq(), Peer: b.self,
			Attrs: []ubus.Attr{ubus.BoolAttr(ubus.AttrNoReply, true)}}, name, data)
	}
}

// passNotification hands a client's notification on to the subscribers of its object; answered is false when only
// a status is left to send.
func (b *bus) passNotification(c *conn, m ubus.Message) (status ubus.Status, answered bool) {
	o, status := b.owned(c, m)
	if _, named := m.Find(ubus.AttrMethod); !named {
		status = ubus.StatusInvalidArgument
	}
	if status != ubus.StatusOK {
		return status, false
	}
	if !m.Bool(ubus.AttrNoReply) {
		b.listSubscribers(c, o, m)
	}
	for _, subscriber := range o.subscribers {
		b.passCall(c, subscriber, m)
	}
	return ubus.StatusOK, true
}

// listSubscribers tells the sender of a notification whose answers to expect.
func (b *bus) listSubscribers(c *conn, o *object, m ubus.Message) {
	var ids []byte
	for _, subscriber := range o.subscribers {
		ids = append(ids, attrBytes(ubus.Uint32Attr(0, subscriber.id))...)
	}
	b.send(c, ubus.Message{Type: ubus.MsgStatus, Seq: m.Seq, Peer: m.Peer, Attrs: []ubus.Attr{
		ubus.Uint32Attr(ubus.AttrObjID, o.id), {ID: ubus.AttrSubscribers, Data: ids}, ubus.Uint32Attr(ubus.AttrStatus, 0)}})
}
