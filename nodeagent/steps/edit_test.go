package steps

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPropertiesAreSetAndTheRestIsKept(t *testing.T) {
	settings := [][2]string{{"mdm.ip.addresses", "1.1.1.1,2.2.2.2"}, {"bypass", "true"}}
	for name, c := range map[string]struct{ old, want string }{
		"an empty file":             {"", "mdm.ip.addresses=1.1.1.1,2.2.2.2\nbypass=true\n"},
		"keys in their places":      {"# bypass=x\na=1\nmdm.ip.addresses=\n\nbypass = false\nz=2", "# bypass=x\na=1\nmdm.ip.addresses=1.1.1.1,2.2.2.2\n\nbypass=true\nz=2"},
		"a key that stands twice":   {"bypass=a\nbypass=b\n", "bypass=true\nbypass=true\nmdm.ip.addresses=1.1.1.1,2.2.2.2\n"},
		"a last line without end":   {"a=1", "a=1\nmdm.ip.addresses=1.1.1.1,2.2.2.2\nbypass=true\n"},
		"the line ends of Windows":  {"a=1\r\nbypass=no\r\n", "a=1\r\nbypass=true\r\nmdm.ip.addresses=1.1.1.1,2.2.2.2\r\n"},
		"what is no assignment":     {"!bypass=no\nbypassed\n", "!bypass=no\nbypassed\nmdm.ip.addresses=1.1.1.1,2.2.2.2\nbypass=true\n"},
		"values with equals signs":  {"password=a=b=\n", "password=a=b=\nmdm.ip.addresses=1.1.1.1,2.2.2.2\nbypass=true\n"},
		"what is as it should be":   {"mdm.ip.addresses=1.1.1.1,2.2.2.2\nbypass=true\n", "mdm.ip.addresses=1.1.1.1,2.2.2.2\nbypass=true\n"},
		"other separators":          {"mdm.ip.addresses: 3.3.3.3\n\tbypass   no\n", "mdm.ip.addresses=1.1.1.1,2.2.2.2\nbypass=true\n"},
		"a key without a value":     {"bypass\n", "bypass=true\nmdm.ip.addresses=1.1.1.1,2.2.2.2\n"},
		"a value on several lines":  {"mdm.ip.addresses=3.3.3.3,\\\n  4.4.4.4\nbypass=\\\r\n\ttrue\r\n", "mdm.ip.addresses=1.1.1.1,2.2.2.2\nbypass=true\r\n"},
		"a key inside a value":      {"note=a\\\nbypass=no\n", "note=a\\\nbypass=no\nmdm.ip.addresses=1.1.1.1,2.2.2.2\nbypass=true\n"},
		"a last line that goes on":  {"path=C:\\", "path=C:\\\n\nmdm.ip.addresses=1.1.1.1,2.2.2.2\nbypass=true\n"},
		"an escaped backslash":      {"path=C:\\\\\nbypass=no\n", "path=C:\\\\\nbypass=true\nmdm.ip.addresses=1.1.1.1,2.2.2.2\n"},
		"a comment that goes on":    {"# see\\\nbypass=no\n", "# see\\\nbypass=true\nmdm.ip.addresses=1.1.1.1,2.2.2.2\n"},
		"an escaped separator":      {"by\\=pass=1\n", "by\\=pass=1\nmdm.ip.addresses=1.1.1.1,2.2.2.2\nbypass=true\n"},
		"a key that begins another": {"bypass.more=1\n", "bypass.more=1\nmdm.ip.addresses=1.1.1.1,2.2.2.2\nbypass=true\n"},
	} {
		require.Equal(t, c.want, string(setProperties([]byte(c.old), settings)), name)
	}
	require.Equal(t, "1,2", property([]byte("a : 1,\\\n   2\n"), "a"))
	require.Equal(t, "2", property([]byte("a=1\n a = 2 \n#a=3\n"), "a"), "the last one counts")
}

func FuzzSetProperties(f *testing.F) {
	f.Add([]byte("mdm.ip.addresses=1\nsecurity=x\n"))
	f.Add([]byte("a\r\n=\n!\n#=\n \\\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		settings := [][2]string{{"mdm.ip.addresses", "10.0.0.1"}, {"b", "true"}}
		once := setProperties(data, settings)
		for _, s := range settings {
			require.Equal(t, s[1], property(once, s[0]))
		}
		require.Equal(t, once, setProperties(once, settings), "setting twice changes nothing more")
		for _, e := range entries(data) {
			if _, wanted := setting(settings, e.key); !e.ok || !wanted {
				require.Contains(t, string(once), e.text)
			}
		}
		for _, e := range entries(data) {
			if _, wanted := setting(settings, e.key); e.ok && !wanted {
				require.Equal(t, property(data, e.key), property(once, e.key), "other keys keep their values")
			}
		}
	})
}

func TestMDMLinesOfTheSDC(t *testing.T) {
	const text = "ini_guid 1-2\nmdm 10.0.0.1,10.0.0.2\nmdm 10.0.1.1\n"
	for address, want := range map[string]bool{"10.0.0.1": true, "10.0.0.2": true, "10.0.1.1": true, "10.0.0.11": false, "1-2": false, "mdm": false} {
		require.Equal(t, want, listsAddress(text, address), address)
	}
}
