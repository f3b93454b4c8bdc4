package scaleio_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/scaleio"
)

// cluster2 is how 2.x prints a cluster of three with two standbys.
const cluster2 = `Cluster:
    Mode: 3_node, State: Normal, Active: 3/3, Replicas: 2/2
Master MDM:
    Name: Manager2, ID: 0x1ed68652078a0ab1
        IPs: 10.0.0.12, 10.1.0.12, Management IPs: 10.0.0.12, Port: 9011
        Version: 2.0.5014
Slave MDMs:
    Name: Manager1, ID: 0x44691e69695396d0
        IPs: 10.0.0.11, Management IPs: 10.0.0.11, Port: 9011
        Status: Normal, Version: 2.0.5014
Tie-Breakers:
    Name: Tie-Breaker1, ID: 0x569bc3812558b2d2
        IPs: 10.0.0.13, Port: 9011
        Status: Normal, Version: 2.0.5014
Standby MDMs:
    Name: x, ID: 0x0ce414fa06a17491, Manager
        IPs: 10.0.0.14, Management IPs: 10.0.0.14, Port: 9011
    Name: y, ID: 0x74cc000000000002, Tie Breaker
        IPs: 10.0.0.15, Port: 9011
`

// cluster36 is how 3.6 prints one whose members have no names.
const cluster36 = `Cluster:
    Mode: 3_node, State: Normal, Active: 3/3, Replicas: 2/2
    SDC refresh with MDM IP addresses: disabled
    Virtual IP Addresses: N/A
Master MDM:
    ID: 0x7cbb59a95d6dcb00
        IP Addresses: 10.10.40.111, Management IP Addresses: 10.10.40.111, Port: 9011, Virtual IP interfaces: N/A
        Status: Normal, Version: 3.6.2000
Slave MDMs:
    ID: 0x5da2231a3f997601
        IP Addresses: 10.10.40.112, Management IP Addresses: 10.10.40.112, Port: 9011, Virtual IP interfaces: N/A
        Status: Normal, Version: 3.6.2000
Tie-Breakers:
    ID: 0x77902c567cd74302
        IP Addresses: 10.10.40.113, Port: 9011
        Status: Normal, Version: 3.6.2000
`

func TestClusterOf2x(t *testing.T) {
	c, err := scaleio.ParseCluster(cluster2)
	require.NoError(t, err)
	require.Equal(t, scaleio.Cluster{
		Mode: "3_node", State: "Normal", Active: 3, ActiveTotal: 3, Replicas: 2, ReplicasTotal: 2,
		Primary: &scaleio.Member{
			Name: "Manager2", ID: "1ed68652078a0ab1", IPs: []string{"10.0.0.12", "10.1.0.12"},
			ManagementIPs: []string{"10.0.0.12"}, Port: 9011, Version: "2.0.5014",
		},
		Secondaries: []scaleio.Member{{
			Name: "Manager1", ID: "44691e69695396d0", IPs: []string{"10.0.0.11"},
			ManagementIPs: []string{"10.0.0.11"}, Port: 9011, Status: "Normal", Version: "2.0.5014",
		}},
		TieBreakers: []scaleio.Member{{
			Name: "Tie-Breaker1", ID: "569bc3812558b2d2", TieBreaker: true, IPs: []string{"10.0.0.13"},
			Port: 9011, Status: "Normal", Version: "2.0.5014",
		}},
		Standby: []scaleio.Member{
			{Name: "x", ID: "0ce414fa06a17491", IPs: []string{"10.0.0.14"}, ManagementIPs: []string{"10.0.0.14"}, Port: 9011},
			{Name: "y", ID: "74cc000000000002", TieBreaker: true, IPs: []string{"10.0.0.15"}, Port: 9011},
		},
	}, c)
	require.Len(t, c.Members(), 3)

	m, standby, ok := c.Find("x")
	require.True(t, ok && standby)
	require.Equal(t, "0ce414fa06a17491", m.ID)
	m, standby, ok = c.Find("unnamed", "10.1.0.12")
	require.True(t, ok && !standby)
	require.Equal(t, "Manager2", m.Name)
	_, _, ok = c.Find("", "10.9.9.9")
	require.False(t, ok)
}

func TestClusterOf36(t *testing.T) {
	c, err := scaleio.ParseCluster(cluster36)
	require.NoError(t, err)
	require.Equal(t, "3_node", c.Mode)
	require.Equal(t, scaleio.Member{
		ID: "7cbb59a95d6dcb00", IPs: []string{"10.10.40.111"}, ManagementIPs: []string{"10.10.40.111"},
		Port: 9011, Status: "Normal", Version: "3.6.2000",
	}, *c.Primary)
	require.Len(t, c.Secondaries, 1)
	require.Len(t, c.TieBreakers, 1)
	require.True(t, c.TieBreakers[0].TieBreaker)
	require.Empty(t, c.Standby)
}

func TestOtherClusters(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       func(*testing.T, scaleio.Cluster)
	}{
		{
			"one node", "Cluster:\n    Mode: 1_node, State: Normal, Active: 1/1, Replicas: 1/1\nMaster MDM:\n    Name: mdm1, ID: 0x1ed68652078a0ab1\n        IPs: 10.0.0.12, Management IPs: 10.0.0.12, Port: 9011\n        Version: 2.0.5014\n",
			func(t *testing.T, c scaleio.Cluster) {
				require.Equal(t, "1_node", c.Mode)
				require.Equal(t, "mdm1", c.Primary.Name)
				require.Empty(t, c.Secondaries)
				require.Equal(t, 1, c.ActiveTotal)
			},
		},
		{
			"a renamed system", strings.Replace(cluster2, "Mode:", "Name: my, Mode:", 1),
			func(t *testing.T, c scaleio.Cluster) {
				require.Equal(t, "my", c.Name)
				require.Equal(t, "3_node", c.Mode)
			},
		},
		{
			"a degraded one", strings.NewReplacer("State: Normal, Active: 3/3", "State: Degraded, Active: 2/3", "Status: Normal", "Status: Disconnected").Replace(cluster2),
			func(t *testing.T, c scaleio.Cluster) {
				require.Equal(t, "Degraded", c.State)
				require.Equal(t, 2, c.Active)
				require.Equal(t, 3, c.ActiveTotal)
				require.Equal(t, "Disconnected", c.Secondaries[0].Status)
			},
		},
		{
			"from a terminal", strings.ReplaceAll("Enter password: \n"+cluster36, "\n", "\r\n"),
			func(t *testing.T, c scaleio.Cluster) {
				require.Equal(t, "3.6.2000", c.TieBreakers[0].Version)
				require.Equal(t, "7cbb59a95d6dcb00", c.Primary.ID)
			},
		},
		{
			"in the words of 4.x", strings.NewReplacer("Master MDM:", "Primary MDM:", "Slave MDMs:", "Secondary MDMs:").Replace(cluster36),
			func(t *testing.T, c scaleio.Cluster) {
				require.Equal(t, "7cbb59a95d6dcb00", c.Primary.ID)
				require.Equal(t, "5da2231a3f997601", c.Secondaries[0].ID)
			},
		},
		{
			"without a master", strings.Replace(cluster2, cluster2[strings.Index(cluster2, "Master"):strings.Index(cluster2, "Slave")], "", 1),
			func(t *testing.T, c scaleio.Cluster) {
				require.Nil(t, c.Primary)
				require.Len(t, c.Members(), 2)
			},
		},
		{
			"with a section of the future", strings.Replace(cluster36, "Tie-Breakers:", "Witnesses:\n    ID: 0x01\nTie-Breakers:", 1),
			func(t *testing.T, c scaleio.Cluster) { require.Len(t, c.Members(), 3) },
		},
		{
			"with unreadable numbers", "Cluster:\n  Mode: 3_node, Active: x/3, Replicas: 2\nMaster MDM:\n  ID: 0x1\n   Port: N/A, IPs: N/A\n",
			func(t *testing.T, c scaleio.Cluster) {
				require.Zero(t, c.Active+c.ActiveTotal+c.Replicas+c.ReplicasTotal+c.Primary.Port)
				require.Empty(t, c.Primary.IPs)
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, err := scaleio.ParseCluster(test.text)
			require.NoError(t, err)
			test.want(t, c)
		})
	}
	for _, text := range []string{"", "Error: MDM failed command.  Status: x", "Usage: scli", "Cluster:\n", "Mode: 3_node"} {
		_, err := scaleio.ParseCluster(text)
		require.ErrorIs(t, err, scaleio.ErrNoAnswer, text)
	}
}

const queryAll = `System Info:
	Product:  EMC ScaleIO Version: R2_0.12000.122
	ID:      78221ddb0dcff2f5
	Manager ID:      0000000000000000

License info:
	Installation ID: 5d848ea4078b651d
	SWID:
	Maximum capacity: Unlimited

System settings:
	Capacity alert thresholds: High: 80, Critical: 90

Query all returned 1 Protection Domain:
Protection Domain pdomain (Id: ed5448c100000000) has 1 storage pools
`

func TestSystemInfo(t *testing.T) {
	want := scaleio.SystemInfo{ID: "78221ddb0dcff2f5", InstallationID: "5d848ea4078b651d", Version: "R2_0.12000.122"}
	info, err := scaleio.ParseSystem(queryAll)
	require.NoError(t, err)
	require.Equal(t, want, info)

	info, err = scaleio.ParseSystem(strings.ReplaceAll(queryAll, "\n", "\r\n"))
	require.NoError(t, err)
	require.Equal(t, want, info, "from a terminal")

	want.Name = "my system"
	info, err = scaleio.ParseSystem(strings.Replace(queryAll, "\tID:", "\tName: my system\n\tID:", 1))
	require.NoError(t, err)
	require.Equal(t, want, info)

	for _, text := range []string{"", "System Info:\n", "Usage: scli", strings.Replace(queryAll, "78221ddb0dcff2f5", "-", 1)} {
		_, err := scaleio.ParseSystem(text)
		require.ErrorIs(t, err, scaleio.ErrNoAnswer, text)
	}
}

func TestLoginLine(t *testing.T) {
	id, err := scaleio.ParseLogin("Enter password: \r\nLogged in. User role is SuperUser. System ID is 60dda64f1574400f\r\n")
	require.NoError(t, err)
	require.Equal(t, "60dda64f1574400f", id)
	id, err = scaleio.ParseLogin("Logged in. User role is Administrator\n")
	require.NoError(t, err)
	require.Empty(t, id, "old versions do not tell")
	_, err = scaleio.ParseLogin("Error: MDM failed command.")
	require.ErrorIs(t, err, scaleio.ErrNoAnswer)

	v, err := scaleio.ParseSCLIVersion("EMC ScaleIO Version: R2_6.11000.113\n")
	require.NoError(t, err)
	require.Equal(t, "2.6", v.String())
	_, err = scaleio.ParseSCLIVersion("Usage: scli")
	require.ErrorIs(t, err, scaleio.ErrNoAnswer)
}

func FuzzParseCluster(f *testing.F) {
	f.Add(cluster2)
	f.Add(cluster36)
	f.Add("Cluster:\n Mode: 1_node\nMaster MDM:\n ID: 0x,,: a: , b:\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := scaleio.ParseCluster(text)
		if err != nil {
			require.ErrorIs(t, err, scaleio.ErrNoAnswer)
			require.Less(t, len(err.Error()), 2000)
			return
		}
		require.NotEmpty(t, c.Mode)
		for _, m := range c.TieBreakers {
			require.True(t, m.TieBreaker)
		}
	})
}

func FuzzParseSystem(f *testing.F) {
	f.Add(queryAll)
	f.Fuzz(func(t *testing.T, text string) {
		if info, err := scaleio.ParseSystem(text); err == nil {
			require.Len(t, info.ID, 16)
		}
	})
}

func FuzzParseLogin(f *testing.F) {
	f.Add("Logged in. User role is SuperUser. System ID is 60dda64f1574400f")
	f.Fuzz(func(t *testing.T, text string) {
		if id, err := scaleio.ParseLogin(text); err == nil && id != "" {
			require.Len(t, id, 16)
		}
	})
}

func FuzzParseVersion(f *testing.F) {
	f.Add("R2_6.11000.113")
	f.Fuzz(func(t *testing.T, text string) {
		v, err := scaleio.ParseVersion(text)
		if err != nil {
			return
		}
		again, err := scaleio.ParseVersion(v.String())
		require.NoError(t, err)
		require.Equal(t, v, again)
	})
}

func FuzzClassify(f *testing.F) {
	f.Add(7, "", "Error: MDM failed command.  Status: The MDM is already in this cluster mode.")
	f.Add(0, "Usage: scli", "")
	f.Fuzz(func(t *testing.T, exit int, stdout, stderr string) {
		r := scaleio.Classify(exit, stdout, stderr)
		require.False(t, exit != 0 && r.Outcome == scaleio.OutcomeOK, "a failure is no success")
		require.LessOrEqual(t, len(r.Status), 303)
		require.NotContains(t, r.Outcome.String(), "outcome ")
	})
}
