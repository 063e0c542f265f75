"""features → candidate: a bounded search for the recipe, by the stopping sample. The one door to Optuna."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loanbook.errors import TrainingError
from loanbook.training import fitting
from loanbook.training.fitting import FEW, Form, Recipe, Sample

if TYPE_CHECKING:
    import optuna

STUDY = "recipe"
RANDOM = 8  # trials before the sampler has learned enough to choose
PATIENT = 5  # whole trials before any is given up
STEP, FIRST = 25, 100  # rounds between two looks at the loss, and before the first
MOST = 500


@dataclass(frozen=True)
class Trial:
    """One recipe that was tried: the rounds that it came to, and the mean log-loss of the stopping sample.

    One that was given up tells where, and its loss there.
    """

    recipe: Recipe
    rounds: int
    loss: float
    given_up: bool

    @property
    def facts(self) -> dict[str, object]:
        """Say it in plain JSON."""
        return asdict(self.recipe) | {
            "stopped_at": self.rounds,
            "stop_loss": self.loss,
            "given_up": self.given_up,
        }


def search(journal: Path, form: Form, learn: Sample, stop: Sample, *, trials: int) -> tuple[Trial, ...]:
    """Try the recipes that stand by themselves, then as many of Optuna's as are left; give as many, in order.

    Every trial is in the journal when it ends. Killed anywhere and called again, the search goes on and comes
    to the same trials: the sampler's seed follows from the form's and from how many have ended. Raises
    TrainingError for a number of trials that is none, or for too few bads to choose by.
    """
    import optuna

    own = fitting.recipes_for(int(stop.bad.sum()))
    if not len(own) < trials <= MOST:
        raise TrainingError(
            f"{trials} trials can't be made", right=f"Give {len(own) + 1} to {MOST}, or none at all"
        )
    if len(own) == 1:
        raise TrainingError(
            f"the stopping sample has {int(stop.bad.sum())} bads: by so few nothing is chosen",
            right=f"Bring {FEW} or more, or train without a search",
        )
    study = _study(journal)
    while len(ended := _ended(study)) < trials:
        if len(ended) < len(own):
            _add(study, own[len(ended)], form, learn, stop)
        else:
            study.sampler = optuna.samplers.TPESampler(
                seed=form.seed * MOST + len(ended), n_startup_trials=RANDOM
            )
            _try(study, form, learn, stop)
    return tuple(_read(one) for one in ended[:trials])


def _study(journal: Path) -> optuna.Study:
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    journal.parent.mkdir(parents=True, exist_ok=True)
    return optuna.create_study(
        storage=JournalStorage(JournalFileBackend(str(journal))),
        study_name=STUDY,
        direction="minimize",
        pruner=optuna.pruners.MedianPruner(PATIENT, n_warmup_steps=FIRST, interval_steps=STEP),
        load_if_exists=True,
    )


def _ended(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    """Give the trials that ended, in order; one that was killed never did."""
    from optuna.trial import TrialState

    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))


def _space() -> dict[str, Any]:
    """Bound the recipe: trees of one to five levels, slow to fast, of small leaves to large."""
    from optuna.distributions import FloatDistribution, IntDistribution

    return {
        "learning_rate": FloatDistribution(0.01, 0.1, log=True),
        "max_depth": IntDistribution(1, 5),
        "min_data_in_leaf": IntDistribution(10, 400, log=True),
        "lambda_l2": FloatDistribution(0.1, 100.0, log=True),
        "feature_fraction": FloatDistribution(0.3, 1.0),
        "bagging_fraction": FloatDistribution(0.5, 1.0),
    }


def _recipe(asked: dict[str, Any]) -> Recipe:
    """Fill a recipe; a tree may have as many leaves as its depth allows."""
    return replace(Recipe(), **asked, num_leaves=2 ** asked["max_depth"])


def _add(study: optuna.Study, recipe: Recipe, form: Form, learn: Sample, stop: Sample) -> None:
    """Enter a recipe of ours as a trial that has ended."""
    import optuna

    space, losses = _space(), dict[int, float]()

    def watch(rounds: int, loss: float) -> None:
        if rounds % STEP == 0:
            losses[rounds] = loss

    fitted = fitting.fit(form, learn, stop, recipe, watch)
    study.add_trial(
        optuna.trial.create_trial(
            params={name: value for name, value in asdict(recipe).items() if name in space},
            distributions=space,
            value=fitted.stop_loss,
            intermediate_values=losses,
            user_attrs={"recipe": asdict(recipe), "rounds": fitted.rounds},
        )
    )


def _try(study: optuna.Study, form: Form, learn: Sample, stop: Sample) -> None:
    """Ask for a recipe, fit it, and give it up where half of the earlier ones were better."""
    import optuna

    trial = study.ask(_space())
    recipe = _recipe(trial.params)
    trial.set_user_attr("recipe", asdict(recipe))

    def watch(rounds: int, loss: float) -> None:
        if rounds % STEP:
            return
        trial.report(loss, rounds)
        if trial.should_prune():
            trial.set_user_attr("rounds", rounds)
            raise optuna.TrialPruned

    try:
        fitted = fitting.fit(form, learn, stop, recipe, watch)
    except optuna.TrialPruned:
        study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        return
    trial.set_user_attr("rounds", fitted.rounds)
    study.tell(trial, fitted.stop_loss)


def _read(one: optuna.trial.FrozenTrial) -> Trial:
    from optuna.trial import TrialState

    assert one.value is not None
    given_up = one.state == TrialState.PRUNED
    return Trial(
        Recipe(**one.user_attrs["recipe"]), int(one.user_attrs["rounds"]), float(one.value), given_up
    )
