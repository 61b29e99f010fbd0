use jsonwebtoken::jwk::{Jwk, JwkSet};
use tempfile::TempDir;

use super::*;

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const RSA_KEY: &str = include_str!("testdata/rs256-test-only.pem");
const EC_KEY: &str = include_str!("testdata/es256-test-only.pem");

fn config() -> AuthConfig {
    AuthConfig {
        enabled: true,
        algorithm: TokenAlgorithm::Hs256,
        jwt_secret: Some(SECRET.into()),
        jwks_file: None,
        issuer: "air".into(),
        audience: "air".into(),
        token_expiry: Duration::from_secs(3600),
    }
}

fn authenticator() -> Authenticator {
    Authenticator::new(&config()).unwrap()
}

fn claims(changes: Value) -> Value {
    let now = Timestamp::now().as_second();
    let mut claims = json!({
        "sub": "ann", "role": "editor", "iss": "air", "aud": "air", "iat": now, "exp": now + 600,
    });
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().shift_remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims
}

fn signed(changes: Value) -> String {
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    jsonwebtoken::encode(&Header::default(), &claims(changes), &key).unwrap()
}

fn part(value: &Value) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string())
}

#[test]
fn a_minted_token_is_let_in_with_its_claims() {
    let mut extra = Map::new();
    extra.insert("team".into(), json!("ops"));
    let lifetime = Duration::from_secs(60);
    let token = Authenticator::mint(&config(), "ann", Role::Editor, lifetime, extra).unwrap();
    let header = format!("Bearer {token}");
    let ann = authenticator().request(Some(&header)).unwrap();
    assert_eq!((ann.sub.as_str(), ann.role), ("ann", Role::Editor));
    assert_eq!(Value::Object(ann.claims), json!({"team": "ops"}));
    let left = ann.expires_at.unwrap().duration_since(Timestamp::now()).as_secs();
    assert!((50..=60).contains(&left), "{left}");
}

#[test]
fn each_wrong_claim_is_refused_with_its_reason() {
    let now = Timestamp::now().as_second();
    let bad = |name: &str| AuthError::BadClaim(name.into());
    let cases = [
        (json!({"exp": now - 60}), AuthError::Expired),
        (json!({"exp": null}), bad("exp")),
        (json!({"exp": "soon"}), bad("exp")),
        (json!({"nbf": now + 600}), AuthError::NotYet),
        (json!({"iss": "other"}), AuthError::WrongIssuer),
        (json!({"iss": null}), bad("iss")),
        (json!({"aud": "other"}), AuthError::WrongAudience),
        (json!({"aud": ["x", "y"]}), AuthError::WrongAudience),
        (json!({"aud": null}), bad("aud")),
        (json!({"sub": null}), bad("sub")),
        (json!({"sub": ""}), bad("sub")),
        (json!({"sub": "a\nb"}), bad("sub")),
        (json!({"role": null}), bad("role")),
        (json!({"role": "root"}), bad("role")),
        (json!({"role": ["admin"]}), bad("role")),
    ];
    for (changes, wanted) in cases {
        let refused = authenticator().token(&signed(changes.clone())).unwrap_err();
        assert_eq!(refused, wanted, "{changes}");
    }
    assert!(authenticator().token(&signed(json!({"aud": ["x", "air"]}))).is_ok());
    // Within the leeway.
    assert!(authenticator().token(&signed(json!({"exp": now - 2}))).is_ok());
}

#[test]
fn a_token_without_a_signature_is_refused() {
    let body = part(&claims(json!({})));
    for alg in ["none", "None", "NONE"] {
        let header = part(&json!({"alg": alg, "typ": "JWT"}));
        for token in [format!("{header}.{body}."), format!("{header}.{body}")] {
            assert!(authenticator().token(&token).is_err(), "{alg}");
        }
    }
    let (start, _) =
        signed(json!({})).rsplit_once('.').map(|(a, b)| (a.to_owned(), b.len())).unwrap();
    assert!(authenticator().token(&format!("{start}.")).is_err());
}

#[test]
fn another_secret_or_hash_is_refused() {
    let other = EncodingKey::from_secret(b"ffffffffffffffffffffffffffffffff");
    let token = jsonwebtoken::encode(&Header::default(), &claims(json!({})), &other).unwrap();
    assert_eq!(authenticator().token(&token), Err(AuthError::BadSignature));
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    let header = Header::new(Algorithm::HS512);
    let token = jsonwebtoken::encode(&header, &claims(json!({})), &key).unwrap();
    assert_eq!(authenticator().token(&token), Err(AuthError::WrongAlgorithm("HS256")));
}

#[test]
fn headers_and_rubbish_are_refused() {
    let request = |header| authenticator().request(header).unwrap_err();
    assert_eq!(request(None), AuthError::Missing);
    assert_eq!(request(Some("Basic YTpi")), AuthError::NotBearer);
    assert_eq!(request(Some("Bearer ")), AuthError::NotBearer);
    assert_eq!(request(Some("Bearer x.y.z")), AuthError::Malformed);
    let long = format!("Bearer {}", "a".repeat(MAX_TOKEN_BYTES + 1));
    assert_eq!(request(Some(&long)), AuthError::Malformed);
}

#[test]
fn a_short_or_missing_secret_makes_no_key() {
    for secret in [None, Some(""), Some("0123456789abcdef0123456789abcde")] {
        let config = AuthConfig { jwt_secret: secret.map(Into::into), ..config() };
        assert!(matches!(Authenticator::new(&config), Err(KeyError::ShortSecret)), "{secret:?}");
        let minted =
            Authenticator::mint(&config, "ann", Role::Admin, Duration::from_secs(1), Map::new());
        assert!(minted.is_err());
    }
}

#[test]
fn minting_refuses_what_would_not_be_let_in() {
    let mint = |sub: &str, claims: Value| {
        let claims = claims.as_object().unwrap().clone();
        Authenticator::mint(&config(), sub, Role::Viewer, Duration::from_secs(9), claims)
    };
    assert!(matches!(mint("", json!({})), Err(MintError::BadSubject)));
    assert!(matches!(mint("a", json!({"role": "admin"})), Err(MintError::RegisteredClaim(_))));
}

#[test]
fn disabled_means_the_local_administrator() {
    let config = AuthConfig { enabled: false, jwt_secret: None, ..config() };
    let authenticator = Authenticator::new(&config).unwrap();
    assert_eq!(authenticator.request(None), Ok(Principal::local()));
    assert_eq!(authenticator.request(Some("Bearer rubbish")), Ok(Principal::local()));
}

/// A JWKS file with the public parts of the keys, and the configuration that names it.
fn public_keys(folder: &TempDir, algorithm: TokenAlgorithm, kids: &[&str]) -> AuthConfig {
    let (rsa, ec) = (rsa_key(), ec_key());
    let (key, alg) = match algorithm {
        TokenAlgorithm::Rs256 => (&rsa, Algorithm::RS256),
        _ => (&ec, Algorithm::ES256),
    };
    let keys = kids.iter().map(|kid| {
        let mut jwk = Jwk::from_encoding_key(key, alg).unwrap();
        jwk.common.key_id = Some((*kid).to_owned());
        jwk
    });
    let path = folder.path().join("jwks.json");
    let set = serde_json::to_vec(&JwkSet { keys: keys.collect() }).unwrap();
    std::fs::write(&path, set).unwrap();
    AuthConfig { algorithm, jwt_secret: None, jwks_file: Some(path), ..config() }
}

fn rsa_key() -> EncodingKey {
    EncodingKey::from_rsa_pem(RSA_KEY.as_bytes()).unwrap()
}

fn ec_key() -> EncodingKey {
    EncodingKey::from_ec_pem(EC_KEY.as_bytes()).unwrap()
}

fn signed_by(key: &EncodingKey, algorithm: Algorithm, kid: Option<&str>) -> String {
    let header = Header { kid: kid.map(Into::into), ..Header::new(algorithm) };
    jsonwebtoken::encode(&header, &claims(json!({})), key).unwrap()
}

#[test]
fn public_keys_check_their_own_algorithm() {
    let folder = TempDir::new().unwrap();
    let rs = public_keys(&folder, TokenAlgorithm::Rs256, &["a"]);
    let authenticator = Authenticator::new(&rs).unwrap();
    let token = signed_by(&rsa_key(), Algorithm::RS256, Some("a"));
    assert_eq!(authenticator.token(&token).unwrap().sub, "ann");
    let token = signed_by(&rsa_key(), Algorithm::RS384, Some("a"));
    assert_eq!(authenticator.token(&token), Err(AuthError::WrongAlgorithm("RS256")));
    assert!(matches!(
        Authenticator::mint(&rs, "a", Role::Viewer, Duration::from_secs(9), Map::new()),
        Err(MintError::PublicKeysOnly)
    ));

    let es = public_keys(&folder, TokenAlgorithm::Es256, &["a"]);
    let authenticator = Authenticator::new(&es).unwrap();
    let token = signed_by(&ec_key(), Algorithm::ES256, Some("a"));
    assert_eq!(authenticator.token(&token).unwrap().sub, "ann");
}

#[test]
fn a_public_key_is_no_hmac_secret() {
    let folder = TempDir::new().unwrap();
    let rs = public_keys(&folder, TokenAlgorithm::Rs256, &["a"]);
    let authenticator = Authenticator::new(&rs).unwrap();
    // What an attacker can know: the file, and each part of the public key.
    let jwks = std::fs::read(rs.jwks_file.as_ref().unwrap()).unwrap();
    let set: Value = serde_json::from_slice(&jwks).unwrap();
    let modulus = set["keys"][0]["n"].as_str().unwrap();
    for secret in [jwks.as_slice(), modulus.as_bytes()] {
        let key = EncodingKey::from_secret(secret);
        let token = signed_by(&key, Algorithm::HS256, Some("a"));
        assert_eq!(authenticator.token(&token), Err(AuthError::WrongAlgorithm("RS256")));
    }
}

#[test]
fn a_kid_is_compared_and_never_opened() {
    let folder = TempDir::new().unwrap();
    let rs = public_keys(&folder, TokenAlgorithm::Rs256, &["a", "b"]);
    let authenticator = Authenticator::new(&rs).unwrap();
    let path = rs.jwks_file.as_ref().unwrap().display().to_string();
    for kid in ["../../../../dev/null", "/dev/null", path.as_str(), "", "A", "a' OR '1'='1"] {
        let token = signed_by(&rsa_key(), Algorithm::RS256, Some(kid));
        assert_eq!(authenticator.token(&token), Err(AuthError::UnknownKey), "{kid}");
    }
    // Two keys, none named.
    let token = signed_by(&rsa_key(), Algorithm::RS256, None);
    assert_eq!(authenticator.token(&token), Err(AuthError::UnknownKey));
    assert!(authenticator.token(&signed_by(&rsa_key(), Algorithm::RS256, Some("b"))).is_ok());
}

#[test]
fn a_jwks_file_that_would_weaken_is_refused() {
    let folder = TempDir::new().unwrap();
    let config = public_keys(&folder, TokenAlgorithm::Rs256, &["a"]);
    let path = config.jwks_file.clone().unwrap();
    let secret = json!({"keys": [{"kty": "oct", "kid": "a", "alg": "HS256", "k": "c2VjcmV0"}]});
    let refuse = |text: String| {
        std::fs::write(&path, text).unwrap();
        Authenticator::new(&config).err().unwrap()
    };
    assert!(matches!(refuse(secret.to_string()), KeyError::SecretKey { .. }));
    assert!(matches!(refuse("{\"keys\": []}".into()), KeyError::NoKey { .. }));
    assert!(matches!(refuse("no json".into()), KeyError::Malformed { .. }));
    public_keys(&folder, TokenAlgorithm::Rs256, &["a", "a"]);
    assert!(matches!(Authenticator::new(&config), Err(KeyError::SameKid { .. })));
    public_keys(&folder, TokenAlgorithm::Es256, &["a"]);
    assert!(matches!(Authenticator::new(&config), Err(KeyError::NoKey { .. })));
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(Authenticator::new(&config), Err(KeyError::Unreadable { .. })));
}
