package state

import (
	"encoding/json"
	"fmt"
	"reflect"
)

// kinds are all types that may travel, by their name on the wire.
var kinds = map[string]reflect.Type{}

func init() {
	for _, v := range []any{
		File{},
		User{},
		Group{},
		Package{},
		Sysctl{},
		Unit{},
		Linger{},
		Stat{},
		Walk{},
		Accounts{},
		SubIDs{},
		Tool{},
		Download{},
		HTTP{},
		Facts{},
		Port{},
		Archive{},
		Guard{},
		PackageIndex{},
		System{},
		Command{},
		UnitAction{},
		DaemonReload{},
		Refresh{},
		HTTPRequest{},
	} {
		kinds[reflect.TypeOf(v).Name()] = reflect.TypeOf(v)
	}
}

type envelope struct {
	T string          `json:"t"`
	S json.RawMessage `json:"s"`
}

func encode(v any) (json.RawMessage, error) {
	if v == nil {
		return json.RawMessage("null"), nil
	}
	s, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("cannot encode %T: %w", v, err)
	}
	return json.Marshal(envelope{T: reflect.TypeOf(v).Name(), S: s})
}

func decode(text []byte) (any, error) {
	if string(text) == "null" || len(text) == 0 {
		return nil, nil
	}
	var e envelope
	if err := json.Unmarshal(text, &e); err != nil {
		return nil, fmt.Errorf("cannot decode a state: %w", err)
	}
	t, ok := kinds[e.T]
	if !ok {
		return nil, fmt.Errorf("cannot decode a state of unknown kind %q", e.T)
	}
	p := reflect.New(t)
	if err := json.Unmarshal(e.S, p.Interface()); err != nil {
		return nil, fmt.Errorf("cannot decode a %s: %w", e.T, err)
	}
	return p.Elem().Interface(), nil
}

// Box carries a State through JSON: {"t":"File","s":{…}}, or null.
type Box struct{ State State }

// MarshalJSON implements json.Marshaler.
func (b Box) MarshalJSON() ([]byte, error) { return encode(b.State) }

// UnmarshalJSON implements json.Unmarshaler.
func (b *Box) UnmarshalJSON(text []byte) error {
	v, err := decode(text)
	if err != nil || v == nil {
		return err
	}
	s, ok := v.(State)
	if !ok {
		return fmt.Errorf("cannot take a %T for a state", v)
	}
	b.State = s
	return nil
}

// Boxes carries several states.
func Boxes(ss []State) []Box {
	bs := make([]Box, len(ss))
	for i, s := range ss {
		bs[i].State = s
	}
	return bs
}

// Unbox is the states that bs carries.
func Unbox(bs []Box) []State {
	ss := make([]State, len(bs))
	for i, b := range bs {
		ss[i] = b.State
	}
	return ss
}

// EventBox carries an Event through JSON.
type EventBox struct{ Event Event }

// MarshalJSON implements json.Marshaler.
func (b EventBox) MarshalJSON() ([]byte, error) { return encode(b.Event) }

// UnmarshalJSON implements json.Unmarshaler.
func (b *EventBox) UnmarshalJSON(text []byte) error {
	v, err := decode(text)
	if err != nil || v == nil {
		return err
	}
	e, ok := v.(Event)
	if !ok {
		return fmt.Errorf("cannot take a %T for an event", v)
	}
	b.Event = e
	return nil
}

type wireChange struct {
	From Box      `json:"from"`
	To   Box      `json:"to"`
	With []Change `json:"with,omitempty"`
}

// MarshalJSON implements json.Marshaler.
func (c Change) MarshalJSON() ([]byte, error) {
	return json.Marshal(wireChange{Box{c.From}, Box{c.To}, c.With})
}

// UnmarshalJSON implements json.Unmarshaler.
func (c *Change) UnmarshalJSON(text []byte) error {
	var w wireChange
	if err := json.Unmarshal(text, &w); err != nil {
		return err
	}
	c.From, c.To, c.With = w.From.State, w.To.State, w.With
	return nil
}
