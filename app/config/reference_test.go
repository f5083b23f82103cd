package config

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write static/help/configuration.md anew")

func TestHelpPageIsInStep(t *testing.T) {
	var want bytes.Buffer
	if err := WriteHelp(&want); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("..", "..", "static", "help", "configuration.md")
	if *update {
		if err := os.WriteFile(path, want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want.Bytes()) {
		t.Error("static/help/configuration.md is not what the table says: run go test ./app/config -run HelpPage -update")
	}
}

func TestReferenceIsAConfigurationWithTheDefaults(t *testing.T) {
	var text bytes.Buffer
	if err := WriteReference(&text); err != nil {
		t.Fatal(err)
	}
	c := load(t, text.String())
	want := base()
	for _, o := range options() {
		if o.repeated() {
			continue
		}
		if got, want := tomlText(o.at(c, 0)), tomlText(o.at(want, 0)); got != want {
			t.Errorf("%s = %s, want %s", o.key, got, want)
		}
		if c.sources[o.key].Line == 0 {
			t.Errorf("%s is not in the reference", o.key)
		}
	}
	commented := strings.ReplaceAll(text.String(), "# [[ews", "[[ews")
	commented = strings.ReplaceAll(commented, "# impersonate = true", "impersonate = false")
	if c := load(t, commented); len(c.EWS.Server) != 1 {
		t.Errorf("the commented block gives %d servers", len(c.EWS.Server))
	}
}

// TestTableIsWhole holds the table against the struct and itself.
func TestTableIsWhole(t *testing.T) {
	c := base()
	c.newEWSServer()
	fields := map[any]string{}
	var collect func(v reflect.Value, path string)
	collect = func(v reflect.Value, path string) {
		switch {
		case v.Kind() == reflect.Struct:
			for i := range v.NumField() {
				if f := v.Type().Field(i); f.IsExported() {
					collect(v.Field(i), path+"."+f.Name)
				}
			}
		case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct:
			collect(v.Index(0), path)
		default:
			fields[v.Addr().Interface()] = path
		}
	}
	collect(reflect.ValueOf(c).Elem(), "Config")
	keys := map[string]bool{}
	for _, o := range options() {
		if keys[o.key] {
			t.Errorf("%s stands twice in the table", o.key)
		}
		keys[o.key] = true
		p := o.at(c, 0)
		name, ok := fields[p]
		if !ok {
			t.Errorf("%s shares its field with another key", o.key)
		}
		delete(fields, p)
		if flat := strings.ToLower(strings.ReplaceAll(name, ".", "")); flat != "config"+strings.NewReplacer(".", "", "_", "", "[]", "").Replace(o.key) {
			t.Errorf("%s stands for %s", o.key, name)
		}
		if o.doc == "" || !strings.HasSuffix(strings.TrimSuffix(o.doc, "\""), ".") {
			t.Errorf("%s: doc %q is no sentence", o.key, o.doc)
		}
		if o.check != nil && !o.repeated() {
			if err := o.check(deref(p)); err != nil {
				t.Errorf("%s: the default is faulty: %v", o.key, err)
			}
		}
		if !slices.ContainsFunc(sections(), func(s [2]string) bool { return s[0] == o.section() }) {
			t.Errorf("%s: its section has no heading", o.key)
		}
	}
	for _, name := range fields {
		t.Errorf("%s has no key in the table", name)
	}
}
