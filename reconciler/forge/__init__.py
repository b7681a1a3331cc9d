"""Comments on pull and merge requests, at GitHub and GitLab: one per tree, found again by a hidden mark.

Enters: Markdown, and the environment of a CI's job. Leaves: what became of the comment, or an error of the model.
Forbidden here: asking Zadig, judging what the Markdown says, following a redirect with a token, and any message that
repeats what the other side says.
"""
