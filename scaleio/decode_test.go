package scaleio

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Versions write values differently; each of these is the same device.
func TestDecodeTakesEveryForm(t *testing.T) {
	want := Device{ID: "1", Name: "d", CapacityKiB: 5, MaxKiB: 1e9}
	for name, text := range map[string]string{
		"as such":      `{"id":"1","name":"d","capacityLimitInKb":5,"maxCapacityInKb":1000000000}`,
		"as texts":     `{"id":"1","name":"d","capacityLimitInKb":"5","maxCapacityInKb":" 1000000000 "}`,
		"as floats":    `{"id":1,"name":"d","capacityLimitInKb":5.0,"maxCapacityInKb":1e9}`,
		"with nulls":   `{"id":"1","name":"d","capacityLimitInKb":5,"maxCapacityInKb":1e9,"mediaType":null,"unknown":[{}]}`,
		"with strange": `{"id":"1","name":"d","capacityLimitInKb":5,"maxCapacityInKb":1e9,"mediaType":{"a":1}}`,
	} {
		t.Run(name, func(t *testing.T) {
			var have Device
			require.NoError(t, decode([]byte(text), &have))
			require.Equal(t, want, have)
		})
	}
}

func TestDecodeRefusesWhatItNeedsAndCannotRead(t *testing.T) {
	for name, text := range map[string]string{
		"no id":             `{"capacityLimitInKb":5,"maxCapacityInKb":5}`,
		"a null id":         `{"id":null,"capacityLimitInKb":5,"maxCapacityInKb":5}`,
		"a size in words":   `{"id":"1","capacityLimitInKb":"Unlimited","maxCapacityInKb":5}`,
		"half a kilobyte":   `{"id":"1","capacityLimitInKb":0.5,"maxCapacityInKb":5}`,
		"too large a size":  `{"id":"1","capacityLimitInKb":9223372036854775808,"maxCapacityInKb":5}`,
		"a list":            `[]`,
		"nothing":           ``,
		"null":              `null`,
		"an unended object": `{"id":"1"`,
	} {
		t.Run(name, func(t *testing.T) {
			var have Device
			require.Error(t, decode([]byte(text), &have))
		})
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`[{"id":"1","name":null,"sizeInKb":"8388608","mappedSdcInfo":[{"sdcId":"2"}]}]`))
	f.Add([]byte(`{"StoragePool":{"1":{"capacityLimitInKb":1}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var volumes []Volume
		if decode(data, &volumes) == nil {
			for _, v := range volumes {
				for _, m := range v.Mapped {
					require.True(t, v.IsMappedTo(m.SDCID))
				}
			}
		}
		var system System
		_ = decode(data, &system)
		var statistics map[string]map[string]PoolStatistics
		_ = decode(data, &statistics)
		var text string
		_ = decode(data, &text)
	})
}
