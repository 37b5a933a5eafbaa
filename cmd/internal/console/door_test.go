package console_test

import (
	"net/http"
	"slices"
	"testing"

	"geppo/cmd/internal/console"
)

// What a reload changes: who is still known stays logged in, and nobody else.
func TestADoorChangesWhileItIsOpen(t *testing.T) {
	s := newSite(t, nil)
	stays := func(login func() map[string]string, change func(*console.Access)) bool {
		header := login()
		access := &console.Access{Tokens: slices.Clone(s.door.Access.Tokens), Users: slices.Clone(s.door.Access.Users)}
		change(access)
		if err := s.pages.Change(console.Door{Access: access}); err != nil {
			t.Fatal(err)
		}
		status := s.ask("GET", "/log", header, nil).StatusCode
		if err := s.pages.Change(s.door); err != nil {
			t.Fatal(err)
		}
		return status == http.StatusOK
	}
	by := func(name, password string) func() map[string]string {
		return func() map[string]string {
			cookie, _, _ := s.login(name, password, nil)
			return map[string]string{"Cookie": cookie.Name + "=" + cookie.Value}
		}
	}
	yamada, token := by("yamada", "correct horse"), by("", operatorToken)
	for name, tt := range map[string]struct {
		login  func() map[string]string
		change func(*console.Access)
		want   bool
	}{
		"nothing":          {yamada, func(*console.Access) {}, true},
		"somebody new":     {yamada, func(a *console.Access) { a.Users = append(a.Users, console.User{Name: "tanaka", Role: console.Viewer}) }, true},
		"another role":     {yamada, func(a *console.Access) { a.Users[0].Role = console.Viewer }, false},
		"another password": {yamada, func(a *console.Access) { a.Users[0].Password = console.HashPassword("x") }, false},
		"gone":             {yamada, func(a *console.Access) { a.Users = nil }, false},
		"a token":          {token, func(a *console.Access) { a.Users = nil }, true},
		"a token gone":     {token, func(a *console.Access) { a.Tokens = a.Tokens[1:] }, false},
		"closed":           {token, func(a *console.Access) { a.Tokens, a.Users = nil, nil }, false},
	} {
		if got := stays(tt.login, tt.change); got != tt.want {
			t.Errorf("%s: stays %v, want %v", name, got, tt.want)
		}
	}
}

// Where nobody could say who he is there is nothing at all.
func TestADoorWithoutKeysIsClosed(t *testing.T) {
	s := newSite(t, func(d *console.Door) { d.Access = &console.Access{} })
	for _, path := range append([]string{"/login", "/assets/style.css", "/login/oidc"}, paths...) {
		if answer := s.ask("GET", path, bearer(operatorToken), nil); answer.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", path, answer.StatusCode)
		}
	}
}
