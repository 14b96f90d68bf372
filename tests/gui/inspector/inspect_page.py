"""The Inspect page of a test, shown with a fake engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from made_inspection import FakeClient

from s3n_gui.inspector.panel import InspectPage
from s3n_gui.state.session import Session
from s3n_gui.state.settings import Settings


@contextmanager
def shown_page(
    session: Session, settings: Settings, make_client: Callable[[], FakeClient] = FakeClient, *, height: int = 610
) -> Iterator[InspectPage]:
    """Show the page, and close it at the end."""
    page = InspectPage(session, settings, make_client)
    page.finish()
    page.resize(1208, height)
    page.show()
    yield page
    page.shut_down()
    page.close()
    page.deleteLater()


def client(page: InspectPage) -> FakeClient:
    """Return the page's engine."""
    made = page.findChild(FakeClient)
    assert isinstance(made, FakeClient)
    return made
