"""`reconciler comment`: one comment per tree on the pull or merge request."""

from __future__ import annotations

import os
from typing import Any

import click

from reconciler.cli.near import Choice
from reconciler.cli.options import PATH, here
from reconciler.cli.telling import Command


@click.command("comment", cls=Command)
@click.argument("file", type=click.Path(), metavar="FILE")
@PATH
@click.option("--forge", type=Choice(["github", "gitlab"]), help="Default: whose job this is.")
@click.option("--repository", metavar="R", help="OWNER/NAME, or GitLab's number or path. Default: the job's.")
@click.option("--request", type=click.IntRange(1), metavar="N", help="Pull or merge request. Default: the job's.")
@click.option("--api", metavar="URL", help="The API's address. Default: the job's.")
@click.option(
    "--token-file",
    type=click.Path(),
    metavar="FILE",
    help="Read the token from here; or RECONCILER_FORGE_TOKEN, GITHUB_TOKEN, GITLAB_TOKEN.",
)
@click.option("--tree", metavar="NAME", help="Whose comment. Default: the tree of PATH, as in reconciler.yaml.")
@click.option("--required", is_flag=True, help="Fail where there is nothing to comment on, or a fork's job may not.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing when all is well.")
def command(file: str, path: str | None, quiet: bool, **flags: Any) -> int:
    """Post FILE, which is Markdown, as the tree's comment on the pull or merge request; - is stdin.

    There is one comment per tree: the next run updates it, and leaves it alone where nothing changed. Where and as
    whom comes from the job's environment (GitHub Actions, GitLab). Outside of a pull or merge request, and in one from
    a fork whose job may not comment, it says so and is done.
    """
    from reconciler.report.ink import safe
    from reconciler.workflow.comment import Asked, Request, Skipped, Timing, comment

    def waiting(why: str, seconds: float) -> None:
        if not quiet:
            click.echo(safe(f"{why}: trying again in {seconds:.0f} s"), err=True)

    asked = Asked(flags["forge"], flags["request"], flags["repository"], flags["api"])
    request = Request(file, path, flags["tree"], asked, flags["token_file"], flags["required"])
    ended = comment(request, os.environ, here(), Timing(waiting=waiting))
    if quiet:
        return 0
    if isinstance(ended, Skipped):
        click.echo(f"No comment: {safe(ended.reason)}.")
        if ended.hint:
            click.echo(f"  → {safe(ended.hint)}")
        return 0
    click.echo(f"The comment on {ended.place} is {ended.posted.ending.value}.")
    return 0
