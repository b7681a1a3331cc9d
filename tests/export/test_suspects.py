"""What looks like a secret in ordinary texts: found by its form or its place, not cried out for every name of one."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.export.suspects import BESIDE_NAME, GIVEN, IN_ADDRESS, UNDER_NAME, suspect_value, suspects
from tests.test_properties import examples

# Made up here, and put together so that no scanner takes this file for a leak.
A36 = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
HEX = "9f86d081884c7d659a2feaa0c55ad015"
JWT = "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0In0" + ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r"
HEADER, BEARER, KEY = "a password in a header", "a bearer token", "an API key"


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("git clone https://x:ghp_" + A36 + "@github.com/a/b", "a GitHub token"),
        ("export T=gho_" + A36, "a GitHub token"),
        ("github_pat_" + A36, "a GitHub token"),
        ("glpat-" + A36[:20], "a GitLab token"),
        ("curl -d token=xoxb-" + "123456789012-abcdefGHIJ", "a Slack token"),
        ("xoxp-" + "12345678901-abc", "a Slack token"),
        ("aws configure set aws_access_key_id AKIA" + "Z7QK3M5N8P2R4T6V", "an AWS access key"),
        ("AK=LTAI" + "5tAbC9dEf3GhJk7mN2", "an Alibaba Cloud access key"),
        ("key: AIza" + A36[:35], "a Google API key"),
        ("OPENAI=sk-" + A36, KEY),
        ("sk_live_" + A36[:24], KEY),
        ("//registry.npmjs.org/:_authToken=npm_" + A36, "an npm token"),
        ("pypi-" + A36 + A36, "a PyPI token"),
        ("docker login -u me -p dckr_pat_" + A36[:27], "a Docker token"),
        ("VAULT=hvs." + A36, "a Vault token"),
        ("sonar -Dx=squ_" + HEX + "01234567", "a SonarQube token"),
        (JWT, "a JSON Web Token"),
        ("-----BEGIN RSA PRIVATE KEY-----", "a private key"),
        (r'KEY="-----BEGIN PRIVATE KEY-----\nMIIE"', "a private key"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----", "a private key"),
        ("psql postgres://app:S3cr3t@db:5432/app", IN_ADDRESS),
        ("redis://:S3cr3t@cache", IN_ADDRESS),
        ("git remote add o https://bob:hunter2@git.example.com/a.git", IN_ADDRESS),
        ("git clone https://" + HEX + "@git.example.com/a.git", "a token in an address"),
        ("curl https://oapi.dingtalk.com/robot/send?access_token=" + HEX, "an address of a webhook"),
        ("curl https://hooks.slack.com/services/T0/B0/" + "x9Yw8Vu7Ts6Rq5", "an address of a webhook"),
        ("docker login -u ci -p S3cr3t registry.local", GIVEN),
        ("sudo docker login registry.local --username ci --password 'S3cr3t!'", GIVEN),
        ("helm registry login -u x -p=S3cr3t r", GIVEN),
        ("echo 'S3cr3t!' | docker login -u ci --password-stdin r", GIVEN),
        ("curl -u admin:S3cr3t https://nexus/x", GIVEN),
        ('curl -sSf -u "admin:S3cr3t" https://nexus/x', GIVEN),
        ("curl -uadmin:S3cr3t https://nexus/x", GIVEN),
        ("curl -u " + HEX + ": https://sonar/x", GIVEN),
        ("cd /x && sshpass -p S3cr3t ssh root@h", GIVEN),
        ("mysql -uroot -pS3cr3t app < dump.sql", GIVEN),
        ("/usr/bin/mysqldump -h db -pS3cr3t app", GIVEN),
        ("redis-cli -h r -a S3cr3t ping", GIVEN),
        ("svn co --username a --password S3cr3t url", GIVEN),
        ("kubectl config set-credentials x --token=" + HEX, GIVEN),
        ("zip -P S3cr3t x.zip x", GIVEN),
        ("curl -H 'Authorization: Bearer " + HEX + "' https://x", HEADER),
        ('curl -H "Authorization: Basic YWRtaW46UzNjcjN0" https://x', HEADER),
        ("headers = {'Authorization': 'Bearer " + HEX + "'}", HEADER),
        ("echo bearer " + HEX, BEARER),
        ("export DB_PASSWORD=S3cr3t", UNDER_NAME),
        ("DB_PASS=hunter", UNDER_NAME),
        ("MYSQL_ROOT_PASSWORD: hunter2", UNDER_NAME),
        ('{"password": "hunter2"}', UNDER_NAME),
        ('"{\\"password\\": \\"hunter2\\"}"', UNDER_NAME),
        ("docker build --build-arg NPM_TOKEN=4f9a8b7c6d5e .", UNDER_NAME),
        ("password = 'hunter2'", UNDER_NAME),
        ("$env:ApiKey = \"4f9a8b7c6d5e\"", UNDER_NAME),
        ("set SIGNING_KEY_PASSWORD=S3cr3t!", UNDER_NAME),
        ("sed -i 's/x/y/' f; kubectl create secret generic x --from-literal=password=hunter2", UNDER_NAME),
        ("AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYzz8k", UNDER_NAME),
        ("client_secret: 3f2a-90c1-77e0", UNDER_NAME),
        ("PRIVATE-TOKEN: 4f9a8b7c6d5e", UNDER_NAME),
        ("# old: PASSWORD=hunter2", UNDER_NAME),
        ("PASSWORD_ADMIN=hunter2", UNDER_NAME),
        ("set_token('x', '" + HEX + "')", BESIDE_NAME),
        ("mytool token " + HEX, BESIDE_NAME),
    ],
)  # fmt: skip
def test_what_looks_like_a_secret_is_found(line, what):
    """By its form, by the command that is given it, or by the name that it stands under; and exactly once."""
    assert list(suspects(f"#!/bin/sh\nmake\n{line}\n")) == [(3, what)]


NO_SECRETS = r"""make test
export TOKEN=$TOKEN
PASSWORD=${PASSWORD}
PASSWORD="${PASSWORD:-}"
token: {{.TOKEN}}
password: ********
PASSWORD=
PASSWORD=""
USE_TOKEN=true
token=<your-token>
TOKEN=xxx
TOKEN=xxxxxxxxxxxxxxxxxxxxxxxx
PASSWORD=changeme
password: your-password-here
SECRET=my-app-secret
TOKEN_FILE=/run/secrets/token
PASSWORD_FILE=./pw.txt
secretName: harbor-pull-secret-2
echo $PASSWORD
credentialsId: 'docker-hub-12345'
PASSWORD=$(cat /run/secrets/pw)
PASSWORD=`cat pw`
PWD=/srv/app
if [ "$TOKEN" == "abcdef1234" ]; then
[ -z "$PASSWORD" ] && exit 1
password = get_password()
token = os.environ["GITHUB_TOKEN"]
token: process.env.GITHUB_TOKEN,
password: this.password,
docker login -u $USER -p $PASSWORD
docker login -u "$U" -p "${P}" r.example.com
docker run -p 8080:80 x
echo $P | docker login -u x --password-stdin r.example.com
docker build --secret id=npmrc,src=.npmrc .
curl -u $USER:$PASS https://x
curl -u "${USER}:${PASS}" https://x
curl -u admin https://x
curl https://x/y?z=1
curl -H 'Authorization: Bearer $TOKEN' x
curl -H "Authorization: Bearer ${TOKEN}"
git clone https://oauth2:${TOKEN}@gitlab.com/a/b
git clone https://$T@github.com/a
git clone git@x:a/b.git
https://user:password@host/x
https://<user>:<password>@host
ssh://git@host:22/x
http://host:8080/a@b
mysql -uroot -p app
mysql -uroot -p$PW app
mysql -P 3306
sshpass -p $PW ssh x
sshpass -e ssh x
echo 'Enter password: ' && read x
password: must be at least 8 characters long
max_tokens: 4096
id-token: write
tokenizer: bert-base-uncased2
# the token is read from Vault
secretKeyRef: {key: token}
TOKEN_URL=https://sso.example.com/token
SECRET_NAMESPACE=prod-1-cluster-2
npm config set //r/:_authToken $T
AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE
ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
npm_config_registry=https://x
desk-lamp sk-learn
image: x@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
COMMIT=9f86d081884c7d659a2feaa0c55ad015
cat token | base64
-----BEGIN CERTIFICATE-----
-----BEGIN PUBLIC KEY-----
vault read -field=token secret/data/team1/app2
token::refresh
kubectl get secret a1b2
password: |
echo /usr/lib/aes256-set-encrypt-key-v2/camellia128-crypt
pip/_vendor/pygments/token.py,sha256=vA2yNHGJBHfq4jNQSah7C9DmIOp34MmYHPA8P-cYAHI,6184
#password_encryption = scram-sha-256
smtp_pass = <your smtp password, if necessary>
complete "passphrase= password= scmVersion="
gcloud x --github-config-authorizer-credential-oauth-token-secret-version=projects/my-project/secrets/x/versions/1
SECRET_KEY_REF=prod
withCredentials([string(credentialsId: 'tok1en2', variable: 'T')])
/var/lib/secrets/releases/20240101/build-1234567
SONAR_TOKEN = credentials('sonar-token-1')
--no-password
# use --password option
export COMPASS=north12345
PASSWORD=%PASSWORD%
token = @TOKEN@"""


@pytest.mark.parametrize("line", ["", *NO_SECRETS.splitlines()])
def test_what_is_no_secret_is_not_cried_out(line):
    """References, placeholders, paths, addresses, code, prose, names alone, and names of what holds a secret."""
    assert list(suspects(line)) == []


@pytest.mark.parametrize(
    ("key", "value", "what"),
    [
        ("PASSWORD", "hunter2", UNDER_NAME),
        ("DB_PASS", "hunter", UNDER_NAME), ("apiToken", "4f9a8b7c6d5e", UNDER_NAME),
        ("URL", "https://a:hunter2@x", IN_ADDRESS),
        ("X", "a\n-----BEGIN EC PRIVATE KEY-----\n", "a private key"),
        ("PASSWORD", "ghp_" + A36, "a GitHub token"), ("IMAGE", "hunter2", ""), ("PASSWORD", "", ""),
        ("PASSWORD", "$OTHER", ""), ("PASSWORD", "changeme", ""), ("TOKEN", "********", ""), ("TOKEN", "my-token", ""),
        ("PASSWORD_FILE", "hunter2", ""), ("SECRET", "app-secret", ""), ("TOKEN", "{{.Token}}", ""),
        ("PASSWORD", "/run/secrets/pw", ""), ("PASSWORD", "true", ""), ("PASSWORD", "12", ""),
    ],
)  # fmt: skip
def test_a_value_is_judged_with_its_key(key, value, what):
    """A parameter's value is suspect by itself, or under its name."""
    assert suspect_value(key, value) == what


def test_every_line_is_told_once_of_each_kind():
    """Lines are counted from 1 whatever ends them, and what is known precisely is not told vaguely too."""
    token = "ghp_" + A36
    text = f"a\r\nPASSWORD={token} TOKEN={token}\r\n\r\nx://a:{HEX}@b {token}\r\nPASSWORD=hunter2 TOKEN=a1b2c3d4e5"
    assert list(suspects(text)) == [
        (2, "a GitHub token"), (4, "a GitHub token"), (5, UNDER_NAME),
    ]  # fmt: skip


PIECES = re.findall(
    r"\S+ ?", "password = : \" ' hunter2x token \\ -- -p curl docker a 1 :// @ eyJ . ghp_ Bearer | $ { < / x é"
)
PIECES += ["docker login ", "Authorization: ", "-----BEGIN ", " ", "password", "token"]


@examples(300)
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=30).map("".join))
def test_nothing_of_a_text_is_ever_told(text):
    """For all texts: a line of it, and one of a few sentences."""
    found = list(suspects(text))
    assert all(1 <= line <= text.count("\n") + 1 for line, _ in found)
    assert all(what.startswith(("a ", "an ")) and what.isascii() for _, what in found)
    assert len(set(found)) == len(found)


LONG_LINE = 300_000
HARD = [
    "password=", "token='", 'token="', "token='\"", "eyJaaaaaaaaa.", "curl -u a:", "--token ", "://a:", "token ",
    "docker 'login\" ", "'\\", 'x="\\', "$(", "a.b", "-----BEGIN A ", "{{", "-", "authorization:", "a", " ",
    f"token=x-{'12-34-' * 20}!! ", f"token {'a1b1/' * 30}!c2 ", f"--token {'a.b' * 60}! ", f"://a:{'x-' * 90}@h ",
]  # fmt: skip


@pytest.mark.parametrize("piece", HARD)
def test_a_long_line_is_read_in_a_moment(piece):
    """Whatever is repeated, a line costs in proportion to its length: otherwise this test would not end."""
    line = f"password {piece * (LONG_LINE // len(piece))} curl -u"
    assert len(list(suspects(line))) <= 3
