package config

import (
	"encoding"
	"reflect"
	"slices"
	"strings"

	"geppo/store"
)

// Keys lists every key, sorted; NAME stands for a name of the operator's choice.
func Keys() []string {
	names := keys(reflect.TypeFor[Config](), "")
	slices.Sort(names)
	return names
}

// keys lists the dotted names of every leaf of a configuration.
func keys(t reflect.Type, prefix string) (names []string) {
	for field := range t.Fields() {
		tag := field.Tag.Get("toml")
		switch name := prefix + tag; {
		case tag == "-":
		case isSection(field.Type):
			names = append(names, keys(field.Type, name+".")...)
		case field.Type.Kind() == reflect.Map && isSection(field.Type.Elem()):
			names = append(names, keys(field.Type.Elem(), name+".NAME.")...)
		default:
			names = append(names, name)
		}
	}
	return names
}

// isSection tells a table of keys from a value that reads itself.
func isSection(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && !readsItself(t)
}

func readsItself(t reflect.Type) bool {
	return reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// sections are the tables that keys stand in.
func sections() (names []string) {
	for field := range reflect.TypeFor[Config]().Fields() {
		if isSection(field.Type) {
			names = append(names, field.Tag.Get("toml"))
		}
	}
	return names
}

// typeOf is the type that a path leads to: a section's, or that of a value; nil if there is no such key. Names are
// taken as they are written here, though the decoder would take them in any case.
func typeOf(path []string) reflect.Type {
	t := reflect.TypeFor[Config]()
	for _, name := range path {
		switch {
		case isSection(t):
			field, found := fieldOf(t, name)
			if !found {
				return nil
			}
			t = field
		case t.Kind() == reflect.Map:
			t = t.Elem()
		default:
			return nil
		}
	}
	return t
}

func fieldOf(t reflect.Type, name string) (reflect.Type, bool) {
	for field := range t.Fields() {
		if tag := field.Tag.Get("toml"); tag == name && tag != "-" {
			return field.Type, true
		}
	}
	return nil, false
}

// Nearest is the one of names that wrong was probably meant to be, empty if none is near. A longer name counts as near,
// and so does one that stands in another section.
func Nearest(wrong string, names []string) string {
	if near := store.Nearest(wrong, names); near != "" {
		return near
	}
	wrong = strings.ToLower(wrong)
	i := slices.IndexFunc(names, func(name string) bool {
		return len(wrong) > 3 && strings.HasPrefix(strings.ToLower(name), wrong+"_")
	})
	if i < 0 {
		i = slices.IndexFunc(names, func(name string) bool { return last(name) == last(wrong) })
	}
	if i < 0 {
		return ""
	}
	return names[i]
}

func last(key string) string { return key[strings.LastIndexByte(key, '.')+1:] }
