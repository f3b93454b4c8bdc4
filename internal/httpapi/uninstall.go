package httpapi

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"scaleio-framework/internal/model"
	"scaleio-framework/internal/state"
	"scaleio-framework/leader"
	"scaleio-framework/scheduler/bootstrap"
)

// Uninstall is the answer of GET /v1/uninstall.
type Uninstall struct {
	// Ordered is nil as long as nobody gave the order; the rest is a dry run then.
	Ordered *model.Uninstall `json:"ordered,omitempty"`
	bootstrap.RemovalPreview
	// FrameworkID is what Mesos is to be told at the end.
	FrameworkID string `json:"framework_id,omitempty"`
	// GrowthVolumes were made by growths. They are released from their pools and
	// stay attached: deleting them is left to an operator.
	GrowthVolumes []GrowthVolume `json:"growth_volumes,omitempty"`
}

// GrowthVolume is a volume of the cloud that outlives the removal.
type GrowthVolume struct {
	ID     string `json:"id"`
	Host   string `json:"host"`
	Growth string `json:"growth"`
	GiB    int    `json:"gib"`
}

// uninstall shows what a removal would do, or what has become of it. The
// volumes are read at the moment of the question.
func (s *Server) uninstall(w http.ResponseWriter, r *http.Request, term Term) {
	keep, err1 := flag(r, "keep_data")
	all, err2 := flag(r, "remove_volumes")
	if err := cmp.Or(err1, err2); err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	view := term.View()
	records := state.Decode(view.Records)
	answer := Uninstall{}
	if records.Cluster != nil && records.Cluster.Uninstall != nil {
		answer.Ordered = records.Cluster.Uninstall
		keep, all = answer.Ordered.KeepData, answer.Ordered.RemoveVolumes
	}
	if f := records.Framework; f != nil {
		answer.FrameworkID = f.ID
	}
	answer.RemovalPreview = bootstrap.PreviewRemoval(records.Cluster, records.Plans, records.Nodes, keep)
	answer.addGrowths(view.Records)
	for path, reason := range view.Unreadable {
		if strings.HasPrefix(path, leader.PathNodes+"/") || strings.HasPrefix(path, leader.PathGrowth+"/") {
			answer.Blocked = append(answer.Blocked, fmt.Sprintf("%s is unreadable: %s", path, reason))
		}
	}
	if answer.Ordered == nil || answer.Ordered.Begun == nil {
		answer.Blocked = append(answer.Blocked, s.volumesInTheWay(r.Context(), term, records.Cluster, keep || all)...)
	}
	slices.Sort(answer.Blocked)
	reply(w, http.StatusOK, answer)
}

// volumesInTheWay asks a gateway. What it does not tell is not zero (R8).
func (s *Server) volumesInTheWay(ctx context.Context, term Term, cluster *model.Cluster, allowed bool) []string {
	if cluster == nil || len(cluster.Gateways) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.opts.PreviewWait)
	defer cancel()
	volumes, err := term.VolumesInTheWay(ctx, allowed)
	if err != nil {
		return []string{"the volumes cannot be read: " + err.Error()}
	}
	return volumes
}

// addGrowths adds what growths made, and those that are not over.
func (u *Uninstall) addGrowths(records leader.Snapshot) {
	for path, entry := range records {
		if !strings.HasPrefix(path, leader.PathGrowth+"/") {
			continue
		}
		g, err := model.Decode[model.Growth](entry.Data)
		if err != nil {
			continue // the view says that it is unreadable
		}
		if g.Finished == nil {
			u.Blocked = append(u.Blocked, fmt.Sprintf("growth %s is %s: wait until it is over, or decline it", g.ID, g.State))
		}
		for _, slot := range g.Slots {
			if slot.VolumeID != "" && slot.State != model.SlotRolledBack {
				u.GrowthVolumes = append(u.GrowthVolumes, GrowthVolume{ID: slot.VolumeID, Host: slot.Host, Growth: g.ID, GiB: slot.Request.SizeGiB})
			}
		}
	}
	slices.SortFunc(u.GrowthVolumes, func(a, b GrowthVolume) int { return strings.Compare(a.ID, b.ID) })
}

func flag(r *http.Request, name string) (bool, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return false, nil
	}
	value, err := strconv.ParseBool(text)
	if err != nil {
		return false, fmt.Errorf("%s is %q, want true or false", name, text)
	}
	return value, nil
}

// uninstallOrder gives the order to remove everything.
func (s *Server) uninstallOrder(w http.ResponseWriter, r *http.Request, _ Term) {
	s.order(w, r, model.UninstallOrder, `{"system":"...","keep_data":false,"remove_volumes":false}`)
}

// uninstallCancel takes it back, while nothing was changed.
func (s *Server) uninstallCancel(w http.ResponseWriter, r *http.Request, _ Term) {
	s.order(w, r, model.UninstallCancel, `{"by":"..."} or nothing`)
}
