"""`recsys report`: what changed, did it help, what to do."""

from typing import Annotated

import typer

from recsys_pipeline.commands.options import (
    JsonOption,
    SettingsOption,
    console_for,
    lines,
    print_json,
)

app = typer.Typer()


@app.command(
    epilog=lines(
        "recsys report",
        "recsys report --open",
        "recsys report --week 2024-01-08",
        "recsys report --make",
    )
)
def report(
    week: Annotated[
        str | None, typer.Option(help="Day on which the week ends, such as 2024-01-08.")
    ] = None,
    show: Annotated[bool, typer.Option("--open", help="Show the page in the browser.")] = False,
    make: Annotated[
        bool, typer.Option("--make", help="Make it first; the week in progress, or that of --week.")
    ] = False,
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the newest weekly report, and say where its page lies.

    Every weekly run makes one: what changed, did it help, for whom not, alarms, goals, what to do.
    With --make it is made now of what has happened so far; alarms that only a whole week can give
    wait until it is over. An arm that breaks a guardrail is stopped, as by the weekly run, unless
    there is a report of a later week.
    """
    from rich.markdown import Markdown

    from recsys_pipeline.commands.clock import now
    from recsys_pipeline.commands.reports import make_report, open_page, page_of, report_of
    from recsys_pipeline.settings import load_settings
    from recsys_pipeline.storage.reports import FileReportStore

    loaded = load_settings(settings)
    store = FileReportStore(loaded.data / "reports")
    if make:
        console = console_for(as_json)
        week = make_report(
            loaded, store, week, now(), lambda line: console.print(f"[dim]{line}[/]")
        )
    found = report_of(loaded, store, week)
    if as_json:
        print_json(
            {
                "week": found.week,
                "path": found.path,
                "markdown": found.markdown,
                "weeks": found.weeks,
            }
        )
    else:
        console = console_for(False)
        if console.is_terminal:
            console.print(Markdown(found.markdown))
        else:
            typer.echo(found.markdown)
        console.print(f"\nThe page: {found.path}", highlight=False, soft_wrap=True)
    if show and not open_page(page_of(loaded, store, found)):
        typer.echo("No browser can be opened here.", err=True)
