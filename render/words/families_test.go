package words_test

import "testing"

func TestKind(t *testing.T) {
	w := load(t)
	for name, want := range map[string]string{
		"TROJ_GEN.R002C0CLT21": "トロイの木馬", "Ransom.Win32.PHOBOS": "ランサムウェア", "ransom.win32.x": "ランサムウェア", "ADW_OPENCANDY": "アドウェア",
		"JS_EXPLOIT.SMDN": "弱点を突く攻撃", "TrojanSpy.Win32.EMOTET.A": "Emotet", "PUA.Win32.InstallCore": "迷惑なソフトウェア", "Unheard.Of": "",
	} {
		if kind, ok := w.Kind(name); kind.Name != want || ok != (want != "") {
			t.Errorf("%s is %q, want %q", name, kind.Name, want)
		}
	}
	if n := len(w.Families.List); n < 30 {
		t.Errorf("%d families are told", n)
	}
}
