package trigger

// Where credentials belong.
const (
	insteadSASL     = "clusters[].sasl"
	insteadTLS      = "clusters[].tls"
	insteadKEDAAuth = "the TriggerAuthentication that the trigger's authenticationRef names"
)

func credentialParameters() []Parameter {
	return []Parameter{
		credential("username", OriginBoth, insteadSASL, "SASL user name."),
		credential("password", OriginBoth, insteadSASL, "SASL password."),
		credential("ca", OriginBoth, insteadTLS, "CA certificates of the brokers."),
		credential("cert", OriginBoth, insteadTLS, "Client certificate."),
		credential("key", OriginBoth, insteadTLS, "Private key of the client certificate."),
		credential("keyPassword", OriginBoth, insteadTLS, "Password of the private key."),
		credential("scopes", OriginKafka, insteadSASL, "OAuth scopes."),
		credential("oauthTokenEndpointUri", OriginKafka, insteadSASL, "OAuth token endpoint."),
		credential("oauthExtensions", OriginKafka, insteadSASL, "OAuth extensions."),
		credential("keytab", OriginKafka, insteadSASL, "Kerberos keytab."),
		credential("ccacheName", OriginKafka, insteadSASL, "Kerberos credential cache."),
		credential("realm", OriginKafka, insteadSASL, "Kerberos realm."),
		credential("kerberosConfig", OriginKafka, insteadSASL, "Kerberos configuration file."),
		credential("kerberosServiceName", OriginKafka, insteadSASL, "Kerberos service name of the brokers."),
		credential("kerberosDisableFAST", OriginKafka, insteadSASL, "Kerberos without pre-authentication armour."),
		credential("awsAccessKeyID", OriginBoth, insteadSASL, "AWS access key id."),
		credential("awsAccessKeyId", OriginBoth, insteadSASL, "Another spelling of awsAccessKeyID."),
		credential("awsSecretAccessKey", OriginBoth, insteadSASL, "AWS secret access key."),
		credential("awsSessionToken", OriginBoth, insteadSASL, "AWS session token."),
		credential("awsRoleArn", OriginBoth, insteadSASL, "AWS role to assume."),
		credential("caCert", OriginExternal, insteadKEDAAuth, "CA of this scaler's certificate, for KEDA."),
		credential("tlsClientCert", OriginExternal, insteadKEDAAuth, "KEDA's client certificate towards this scaler."),
		credential("tlsClientKey", OriginExternal, insteadKEDAAuth, "Private key of that certificate."),
	}
}

func credential(name string, origin Origin, instead, description string) Parameter {
	return Parameter{Name: name, Type: TypeString, Origin: origin, Use: Credential, Instead: instead, Description: description}
}

func misplacedParameters() []Parameter {
	const beside, spec = "beside metadata, in spec.triggers[]", "in the spec of the ScaledObject"
	return []Parameter{
		misplaced("metricType", beside),
		misplaced("useCachedMetrics", beside),
		misplaced("authenticationRef", beside),
		misplaced("pollingInterval", spec),
		misplaced("cooldownPeriod", spec),
		misplaced("initialCooldownPeriod", spec),
		misplaced("idleReplicaCount", spec),
		misplaced("minReplicaCount", spec),
		misplaced("maxReplicaCount", spec),
	}
}

func misplaced(name, instead string) Parameter {
	return Parameter{
		Name: name, Type: TypeString, Origin: OriginScaledObject, Use: Misplaced, Instead: instead,
		Description: "KEDA does not read it from trigger metadata.",
	}
}

// refuse returns what is wrong with a refused parameter that was given under the key field. The value is
// never part of it.
func (param Parameter) refuse(field string) Problem {
	switch {
	case param.Use == Misplaced:
		return Problem{Field: field, Message: "KEDA does not read this from trigger metadata", Remedy: "write it " + param.Instead}
	case param.Origin == OriginExternal:
		return Problem{
			Field: field, Message: "a credential must not stand in trigger metadata, and KEDA does not read this one from there",
			Remedy: "put it into " + param.Instead,
		}
	default:
		return Problem{
			Field:   field,
			Message: "a credential must not stand in trigger metadata, and KEDA does not forward a TriggerAuthentication to an external scaler",
			Remedy:  "put it into " + param.Instead + " of the scaler's configuration, then write cluster: NAME",
		}
	}
}
