package nodeproto

// From PowerFlex 4.0 on MDMs prove themselves by certificates of an authority
// that the vendor's program makes on the first MDM. What the other managers
// need of it travels sealed from node agent to node agent; the leader forwards
// a box that it cannot open, and commits none.

// MDMAuthorityParams belongs to StepMDMAuthority, run by the first MDM: make
// the authority, scli's login file, and a certificate for each manager. The
// result is an MDMAuthorityResult.
type MDMAuthorityParams struct {
	// Members are the names of the managers.
	Members []string `json:"members"`
}

// MDMAuthorityResult tells which authority was made.
type MDMAuthorityResult struct {
	// Authority is the SHA-256 of its certificate, in hexadecimal.
	Authority string `json:"authority"`
}

// MDMCertificateParams belongs to StepMDMCertificate, run by each manager: give
// the MDM its certificate and the authority that it trusts, restart it. The
// box with the files is asked of From by QuestionMDMCertificate.
type MDMCertificateParams struct {
	Member string `json:"member"`
	// Authority is that of MDMAuthorityResult: files of another are refused.
	Authority string `json:"authority"`
	// From is the host of the authority.
	From string `json:"from"`
}

// QuestionMDMCertificate asks the authority's host for a manager's files,
// sealed to the node agent of its host. It is answered by a report whose result
// is a SealedCertificate.
const QuestionMDMCertificate = "mdm-certificate-for"

// SealedCertificateParams belongs to QuestionMDMCertificate.
type SealedCertificateParams struct {
	Member string `json:"member"`
	// Recipient is the public key to seal to, as inventories carry it.
	Recipient string `json:"recipient"`
}

// SealedCertificate is a box for Command.Sealed.
type SealedCertificate struct {
	Box []byte `json:"box"`
}

// The names in such a box.
const (
	// SecretMDMAuthority is the authority's certificate in PEM, without its key.
	SecretMDMAuthority = "mdm_authority"
	// SecretMDMCertificate is a manager's certificate with its key, in PEM.
	SecretMDMCertificate = "mdm_certificate"
	// SecretCLICertificate is scli's login file, in base64.
	SecretCLICertificate = "cli_certificate"
)
