"""The reference of environment variables: which are looked at, and what for. A test finds their names in the code."""

from __future__ import annotations

from collections.abc import Iterator

Variables = tuple[tuple[str, str], ...]

SECTIONS: tuple[tuple[str, str, Variables], ...] = (
    (
        "Settings",
        "Each beats `reconciler.yaml`, and a flag beats each.",
        (
            ("ZADIG_SERVER", "Zadig's address; as `--server`"),
            ("ZADIG_TOKEN", "The API token, from your account page in Zadig; or `--token-file FILE`. Never a flag"),
            ("RECONCILER_LEDGER", "Where the ledger is; as `--ledger`"),
            (
                "BUILD_*",
                "Values of `{from_env: NAME}` in definitions; `env:` allows other names. Empty is unset",
            ),
        ),
    ),
    (
        "Terminal",
        "`--color` beats them. Progress, and what a log gets of it: [shell.md](../shell.md).",
        (
            ("FORCE_COLOR", "Not empty: colours, also where there is no terminal. Beats `NO_COLOR`"),
            ("NO_COLOR", "Not empty: no colours"),
            ("TERM", "`dumb`: no colours"),
        ),
    ),
    (
        "A shared ledger",
        "[ledger-http.md](../ledger-http.md), [ledger-s3.md](../ledger-s3.md).",
        (
            ("RECONCILER_LEDGER_TOKEN", "Token of a state server"),
            ("RECONCILER_LEDGER_ALLOW_HTTP", "Not empty: `http://` to another machine is allowed"),
            ("CI_JOB_TOKEN", "Used on the GitLab that runs the job, where nothing else is set"),
            ("TF_HTTP_*", "User, password, methods, lock address, retries: as Terraform reads them"),
            (
                "AWS_*",
                "Credentials, region, address of an object store; Google's and Azure's go to the library as they are",
            ),
        ),
    ),
    (
        "Network",
        "For Zadig, the ledger and the forges alike; none is used for a server on this machine.",
        (
            ("HTTP_PROXY", "Proxy; likewise `HTTPS_PROXY`, `ALL_PROXY`, and `NO_PROXY` for hosts without one"),
            (
                "SSL_CERT_FILE",
                "The authority of a server whose certificate is not publicly known; or a folder, `SSL_CERT_DIR`",
            ),
        ),
    ),
    (
        "A comment on a request",
        "[comment.md](../comment.md).",
        (
            ("RECONCILER_FORGE_TOKEN", "The token; else `GITHUB_TOKEN` or `GITLAB_TOKEN`"),
            ("RECONCILER_FORGE_ALLOW_HTTP", "Not empty: `http://` to another machine is allowed"),
            ("GITHUB_API_URL", "The API's address"),
            ("GITHUB_EVENT_PATH", "Number of the pull request, and whether it comes from a fork"),
            ("GITHUB_REF", "Number of the pull request, where the event has none"),
            ("CI_API_V4_URL", "The API's address"),
            ("CI_MERGE_REQUEST_IID", "Number of the merge request"),
            ("CI_MERGE_REQUEST_PROJECT_ID", "Its project; else `CI_PROJECT_ID`"),
            ("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", "Another project than its own: it comes from a fork"),
        ),
    ),
    (
        "Reports, and where a run comes from",
        "[ci-formats.md](../ci-formats.md), [ledger.md](../ledger.md#commit-person-job).",
        (
            ("CI", "Set: a ledger in a file is told to be lost with the runner"),
            ("GITHUB_STEP_SUMMARY", "The file that `--summary` appends to"),
            ("GITHUB_ACTIONS", "`true`: printed text cannot be taken for a command of the runner; which forge it is"),
            ("TF_BUILD", "The same, in Azure Pipelines"),
            ("GITLAB_CI", "`true`: which forge it is"),
            ("GITHUB_SERVER_URL", "With `GITHUB_REPOSITORY` and `GITHUB_SHA`: links to lines"),
            ("CI_PROJECT_URL", "With `CI_COMMIT_SHA`: links to lines"),
            ("GITHUB_WORKSPACE", "Root of the repository; else `CI_PROJECT_DIR`, `WORKSPACE`, the folder with `.git`"),
            (
                "GITHUB_ACTOR",
                "Who runs; else `GITLAB_USER_LOGIN`, `BUILD_USER_ID`, `CHANGE_AUTHOR`, Git's `user.name`, `USER`",
            ),
            ("GITHUB_RUN_ID", "URL of the job; else `CI_JOB_URL`, `CI_PIPELINE_URL`, `BUILD_URL`"),
            ("GIT_COMMIT", "The commit, on Jenkins; else `GITHUB_SHA`, `CI_COMMIT_SHA`, HEAD"),
        ),
    ),
)
"""Heading → what holds for all, and the variables: a name, or the beginning of names with `*`."""


def environment_markdown(head: str) -> str:
    """Return the whole page. `head`: who made it, and how it is renewed."""
    return f"# Environment variables\n\n{head}\n" + "".join(_pieces())


def _pieces() -> Iterator[str]:
    for heading, told, variables in SECTIONS:
        yield f"\n## {heading}\n\n{told}\n\n| variable | what it is for |\n|---|---|\n"
        for name, means in variables:
            yield f"| `{name}` | {means} |\n"
