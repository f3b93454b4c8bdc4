package scaleioctl_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/httpapi"
)

func TestAPreviewShowsADryRunOrWhyThereIsNone(t *testing.T) {
	s := filling(t)
	s.preview = func(pool string, sizeGiB int) core.TellPreview {
		told := core.TellPreview{Known: []string{"pd/big", "pd/sp"}}
		if pool == "" || pool == "pd/big" {
			told.Pools = append(told.Pools, core.PoolPreview{Pool: "pd/big", Verdict: "growth-open", Decision: "growth g2 is awaiting-approval", Why: "growth g2 is awaiting-approval"})
		}
		if pool == "" || pool == "pd/sp" {
			told.Pools = append(told.Pools, core.PoolPreview{Pool: "pd/sp", Verdict: "below-threshold", Decision: "below the threshold of 80.0 %", Plan: &core.GrowthPreview{
				Provider: "aws", Approval: "auto", SizeGiB: max(104, sizeGiB/2), TotalGiB: 2 * max(104, sizeGiB/2), VolumeType: "gp3", IOPS: 4000, Throughput: 250, Encrypted: true,
				UsedBefore: 0.4, UsedAfter: 0.3, Target: 0.65, Clipped: "--growth.max-per-day leaves 208 GiB today", SparePercent: 34, SpareNeeded: 50,
				Volumes: []core.VolumePreview{{Host: "h1", SDS: "sds_h1", FaultUnit: "rack1", Instance: "i-1", Zone: "eu-west-1a"}, {Host: "h2", SDS: "sds_h2", FaultUnit: "rack2"}},
			}})
		}
		return told
	}
	all := run(t, nil, "growth", "preview", "--url", s.url)
	require.Zero(t, all.code, all.err)
	for _, want := range []string{
		`pool +pd/big\nby itself +growth g2 is awaiting-approval\nnot over +growth g2 is awaiting-approval: scaleioctl growth show g2\na growth now +nothing could be done: growth g2 is awaiting-approval\n\n`,
		`pool +pd/sp\nby itself +below the threshold of 80\.0 %\na growth now +2 volumes of 104 GiB, 208 GiB together \(aws\)\n`,
		`fullness +40\.0%, 30\.0% afterwards, target 65\.0%\nclipped +the target is not reached: --growth.max-per-day leaves 208 GiB today\n`,
		`spare afterwards +34 %, but the largest fault unit would need 50 %: raise it, or set --growth.adjust-spare\n`,
		`volume type +gp3, 4000 IOPS, 250 MiB/s, encrypted\napproval +auto\n`,
		`h1 +sds_h1 +rack1 +i-1 +eu-west-1a\n`,
	} {
		require.Regexp(t, want, all.out)
	}
	sized := run(t, nil, "growth", "preview", "pd/sp", "--size", "600", "--url", s.url).out
	require.Regexp(t, `2 volumes of 300 GiB`, sized)
	require.NotContains(t, sized, "pd/big")
	var previews []httpapi.Preview
	require.NoError(t, json.Unmarshal([]byte(run(t, nil, "growth", "preview", "--json", "--url", s.url).out), &previews))
	require.Equal(t, "g2", previews[0].Growth.ID)
	require.Contains(t, run(t, nil, "growth", "preview", "pd/none", "--url", s.url).err, "no storage pool pd/none: there are pd/big, pd/sp")

	s.preview = func(string, int) core.TellPreview { return core.TellPreview{} }
	require.Equal(t, "there is no storage pool\n", run(t, nil, "growth", "preview", "--url", s.url).out)
}
