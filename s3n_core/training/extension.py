"""A run trained for more epochs than it was made for, as if they had been asked for from the start. Free of torch.

Nothing but a cosine schedule, patience, and the mean of the weights and the recalibration at the end depends on the number of
epochs. Steps of the learning rates, warm-up phases, orders, crops and draws belong to an epoch's own number, so with a step or a
constant schedule an extended run ends with the same weights, bit for bit, as a run that was made for that many epochs.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

from s3n_core.errors import RunError
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.system.atomic_files import read_bytes
from s3n_core.training.recipe import Recipe, recipe_from

RECALIBRATED = "-recalibrated"
"""How the name of the checkpoint after a recalibration ends."""

AVERAGED = "-averaged"
"""How the name of the checkpoint ends whose weights are the mean of the last epochs, recalibrated or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """What it means to train a run for another number of epochs.

    Attributes:
        done: Epochs that are done.
        before: Epochs that the run was made for.
        epochs: Epochs that it is to have.
        exact: Whether it ends as a run that was made for ``epochs`` from the start.
        sentence: What becomes of the learning rates, for a person.
    """

    done: int
    before: int
    epochs: int
    exact: bool
    sentence: str


def plan_extension(run: RunDirectory, epochs: int) -> Extension:
    """Say what training a run for ``epochs`` epochs in all would mean; nothing is changed.

    Raises:
        RunError: It has done so many already, was ended by its patience, has not kept what the mean of other last epochs needs,
            or its folder is broken.
        RecipeError: Its recipe does not allow that number.
    """
    recipe = recipe_of(run)
    done, begun, best = _progress(run)
    if epochs <= done:
        least = f"choose at least {done + 1}"
        raise RunError(f"The run {run.path.name} has already been trained for {_counted(done)}; {least}.")
    longer = _with_epochs(recipe, epochs)
    if recipe.patience is not None and best is not None and done - 1 - best >= recipe.patience:
        raise RunError(
            f"The run {run.path.name} ended after {_counted(done)}, because the last {recipe.patience} brought no "
            "improvement (patience). More epochs would end at the same place; start a new run with a larger patience, "
            "or with none."
        )
    if longer.first_averaged < done and longer.first_averaged != recipe.first_averaged:
        raise RunError(
            f"The run {run.path.name} ends with the mean of the weights of its last {_counted(recipe.average_epochs)} "
            f"(average_epochs), and those of the epochs before are not kept; choose at least {done + recipe.average_epochs}."
        )
    exact = recipe.schedule != "cosine" or epochs == recipe.epochs or not begun
    return Extension(
        done=done, before=recipe.epochs, epochs=epochs, exact=exact, sentence=_sentence(recipe, longer, done, exact)
    )


def extend_run(run: RunDirectory, epochs: int) -> Extension:
    """Let a run have ``epochs`` epochs in all; call it with the run's lock held.

    What completed the training, a mean of the weights or a recalibration, is taken back: it will follow the last epoch.
    ``run.json`` keeps the history.

    Raises:
        RunError: As `plan_extension`; or the checkpoint before that is gone.
        RecipeError: Its recipe does not allow that number.
        OutputError: The disk does not take it.
    """
    extension = plan_extension(run, epochs)
    if epochs == extension.before:
        return extension
    _take_back_completion(run)
    content = run.read_run()
    change = {"from": extension.before, "to": epochs, "done": extension.done, "at": round(time.time(), 3)}
    recipe = _with_epochs(recipe_of(run), epochs).model_dump(mode="json")
    run.write_run({**content, "recipe": recipe, "extensions": [*content.get("extensions", []), change]})
    return extension


def before_completion(name: str) -> str:
    """Return the name of the checkpoint from which a mean of the weights or a recalibration was made; any other is itself."""
    return name.removesuffix(RECALIBRATED).removesuffix(AVERAGED)


def _take_back_completion(run: RunDirectory) -> None:
    last = run.read_pointer("last")
    if last is None or (name := before_completion(last)) == last:
        return
    if not (run.checkpoints / f"{name}.json").is_file():
        what = "mean of the weights" if last.endswith(AVERAGED) else "recalibration"
        raise RunError(
            f"The run {run.path.name} cannot be extended: its checkpoint before the {what}, {name}, is gone. Start a new run."
        )
    run.write_pointer("last", name)


def require_not_trained(run: RunDirectory) -> None:
    """Refuse a run that has lost its checkpoints: trained from the start, it would also lose its metrics.

    Raises:
        RunError: It has no checkpoint, but its state shows epochs that are done; or the state is damaged.
    """
    state = run.read_state()
    if state is not None and state.epoch > 0:
        raise RunError(f"The run {run.path.name} has no checkpoint to continue from; start a new run.")


def recipe_of(run: RunDirectory) -> Recipe:
    """Read a run's recipe.

    Raises:
        RunError: ``run.json`` is damaged.
        RecipeError: The recipe is not valid.
    """
    recipe = run.read_run().get("recipe")
    if not isinstance(recipe, dict):
        raise RunError(f"{run.run_json} is damaged (recipe is missing); start a new run.")
    return recipe_from(recipe)


def _with_epochs(recipe: Recipe, epochs: int) -> Recipe:
    return recipe_from({**recipe.model_dump(mode="json"), "epochs": epochs})


def _progress(run: RunDirectory) -> tuple[int, bool, int | None]:
    """Return what the last checkpoint has: the epochs that are done, whether there was any update, and the best epoch, from 0."""
    name = run.read_pointer("last")
    if name is None:
        require_not_trained(run)
        return 0, False, None
    path = run.checkpoints / f"{name}.json"
    # What completed the training is taken back, and with it a best epoch that it has become.
    before = run.checkpoints / f"{before_completion(name)}.json"
    path = before if before.is_file() else path
    try:
        record = json.loads(read_bytes(path))
        best = record.get("best_epoch")
        return int(record["epoch"]), int(record["step"]) > 0, None if best is None else int(best)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunError(f"{path} cannot be read ({error}); resume the run without more epochs first.") from error


def _sentence(recipe: Recipe, longer: Recipe, done: int, exact: bool) -> str:
    if recipe.schedule == "cosine" and not exact:
        now, then = recipe.rate_factor(done), longer.rate_factor(done)
        return (
            f"The learning rates follow a cosine over {_counted(recipe.epochs)} and have come down to "
            f"{_percent(now)} of their initial values. Over {_counted(longer.epochs)} the cosine is another one: training "
            f"continues at {_percent(then)}, and the rates fall until the end of epoch {longer.epochs}. The result is "
            f"not the same as that of a new run of {_counted(longer.epochs)}."
        )
    if recipe.schedule == "step":
        ahead = [epoch for epoch in recipe.step_epochs if done < epoch < longer.epochs]
        change = f"they fall after epoch {', '.join(map(str, ahead))}" if ahead else "they stay as they are"
        rates = f"The learning rates follow the recipe's steps: {change}."
    elif recipe.schedule == "cosine":
        rates = f"The learning rates follow a cosine over {_counted(longer.epochs)}."
    else:
        rates = "The learning rates stay as they are."
    return f"{rates} The result is the same as that of a new run of {_counted(longer.epochs)}."


def _counted(epochs: int) -> str:
    return "1 epoch" if epochs == 1 else f"{epochs} epochs"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}".removesuffix(".0") + " %"
