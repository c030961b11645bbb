package ubus

import (
	"context"
	"fmt"
)

// eventObject is ubusd's own object for events (UBUS_SYSTEM_OBJECT_EVENT).
const eventObject = 1

// Unsubscribed is the name of the event that tells that an object which Subscribe was called for is gone. Its service
// was stopped or restarted: subscribe again when the event ubus.object.add names the path.
const Unsubscribed = "ubus.unsubscribed"

// Event is something that another service told everybody (Listen) or the subscribers of an object (Subscribe).
type Event struct {
	Name string // of the event, as network.interface, or of the notification, as interface.update
	Data Table
}

// Listen asks for the events whose name is pattern, or begins with pattern if that ends in an asterisk. What happens
// before Listen returns, or while no connection stands, is not told: look after listening, not before.
func (c *Client) Listen(ctx context.Context, pattern string) error {
	own, err := c.ownObject(ctx)
	if err == nil {
		_, err = c.invoke(ctx, eventObject, "register", Table{{"object", own}, {"pattern", pattern}})
	}
	if err != nil {
		return fmt.Errorf("listen for ubus event %s: %w", pattern, err)
	}
	return nil
}

// Subscribe asks for the notifications of an object, until that is gone (Unsubscribed). Causes are those of Call.
func (c *Client) Subscribe(ctx context.Context, object string) error {
	err := c.subscribe(ctx, object)
	if err != nil {
		return fmt.Errorf("subscribe to ubus object %s: %w", object, err)
	}
	return nil
}

func (c *Client) subscribe(ctx context.Context, object string) error {
	own, err := c.ownObject(ctx)
	if err != nil {
		return err
	}
	delete(c.ids, object)
	target, err := c.object(ctx, object)
	if err != nil {
		return err
	}
	m := Message{Type: MsgSubscribe, Attrs: []Attr{Uint32Attr(AttrObjID, own), Uint32Attr(AttrTarget, target)}}
	return c.ask(ctx, m, func(Message) error { return nil })
}

// ownObject makes the nameless object that events are sent to.
func (c *Client) ownObject(ctx context.Context) (uint32, error) {
	if c.own != 0 {
		return c.own, nil
	}
	err := c.ask(ctx, Message{Type: MsgAddObject}, func(answer Message) error {
		c.own, _ = answer.Uint32(AttrObjID)
		return nil
	})
	if err == nil && c.own == 0 {
		err = fmt.Errorf("%w: new object without an id", Garbled)
	}
	return c.own, err
}

// Next waits for the next event. If ctx ends first (NoAnswer), no event is lost.
func (c *Client) Next(ctx context.Context) (Event, error) {
	release := c.bind(ctx)
	defer release()
	for len(c.events) == 0 {
		m, err := c.in.Next()
		if err != nil {
			return Event{}, fmt.Errorf("wait for ubus events: %w", c.fail(ctx, err))
		}
		c.keep(m)
	}
	event := c.events[0]
	c.events = c.events[1:]
	return event, nil
}

// keep puts what is an event aside, for Next. Everything else answers a request that was given up.
func (c *Client) keep(m Message) {
	if id, ok := m.Uint32(AttrObjID); !ok || id != c.own || c.own == 0 {
		return
	}
	switch m.Type {
	case MsgUnsubscribe:
		c.events = append(c.events, Event{Name: Unsubscribed})
	case MsgInvoke:
		if data, err := m.Table(AttrData); err == nil {
			c.events = append(c.events, Event{Name: m.Text(AttrMethod), Data: data})
		}
		c.confirm(m)
	}
}

// confirm answers a notification whose sender waits for an answer. Events have no sender. If it cannot be sent, the
// next read says why.
func (c *Client) confirm(m Message) {
	if m.Peer == 0 || m.Bool(AttrNoReply) {
		return
	}
	_ = c.send(Message{Type: MsgStatus, Seq: m.Seq, Peer: m.Peer,
		Attrs: []Attr{Uint32Attr(AttrStatus, uint32(StatusOK)), Uint32Attr(AttrObjID, c.own)}})
}
