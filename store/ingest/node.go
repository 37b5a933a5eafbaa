package ingest

import (
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// node is a value of JSON whose shape is not relied on: what is not there, or is of another type
// than it should be, is empty.
type node struct{ value any }

func parse(value jsontext.Value) (n node, err error) {
	err = json.Unmarshal(value, &n.value, tolerant)
	return n, err
}

// at is the value of a member of a member ….
func (n node) at(path ...string) node {
	for _, name := range path {
		object, ok := n.value.(map[string]any)
		if !ok {
			return node{}
		}
		n = node{object[name]}
	}
	return n
}

func (n node) isObject() bool {
	_, ok := n.value.(map[string]any)
	return ok
}

func (n node) isList() bool {
	_, ok := n.value.([]any)
	return ok
}

// list is the elements of a list.
func (n node) list() []node {
	list, ok := n.value.([]any)
	if !ok {
		return nil
	}
	nodes := make([]node, len(list))
	for i := range list {
		nodes[i] = node{list[i]}
	}
	return nodes
}

// text is a string, or a number as one; of a list its first.
func (n node) text() string {
	switch value := n.value.(type) {
	case string:
		return value
	case float64:
		return strconv.FormatFloat(value, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(value)
	case []any:
		if len(value) > 0 {
			return node{value[0]}.text()
		}
	}
	return ""
}

// texts are the strings of a list, or the only one.
func (n node) texts() (texts []string) {
	if !n.isList() {
		if s := n.text(); s != "" {
			return []string{s}
		}
		return nil
	}
	for _, e := range n.list() {
		if s := e.text(); s != "" {
			texts = append(texts, s)
		}
	}
	return texts
}

// number is a number, also one in a string; 0 if it is none.
func (n node) number() float64 {
	switch value := n.value.(type) {
	case float64:
		return value
	case string:
		if f, err := strconv.ParseFloat(strings.TrimSpace(value), 64); err == nil {
			return f
		}
	}
	return 0
}

// truth is a truth value, also as a number or in a string; nil if there is none.
func (n node) truth() *bool {
	switch value := n.value.(type) {
	case bool:
		return &value
	case float64:
		return new(value != 0)
	case string:
		if b, err := strconv.ParseBool(value); err == nil {
			return &b
		}
	}
	return nil
}

// marshal is a value of JSON, the members of objects in order.
func marshal(value any) ([]byte, error) { return json.Marshal(value, json.Deterministic(true)) }
