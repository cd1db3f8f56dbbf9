"""The words of the pages about monitoring, experiments and reports, in English and in French."""

from collections.abc import Mapping
from typing import Final

WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "monitoring": ("Monitoring", "Suivi"),
    "experiments": ("Experiments", "Expériences"),
    "report": ("Report", "Rapport"),
    "week": ("Week", "Semaine"),
    "week_to": ("Week to {day}", "Semaine jusqu'au {day}"),
    "weeks": ("Weeks", "Semaines"),
    "show": ("Show", "Afficher"),
    "metric": ("Figure", "Mesure"),
    "all_users": ("all users", "tous"),
    "no_weeks": (
        "Nothing is kept of any week yet. The weekly run writes the figures of each week; those "
        "of the week up to now come with",
        "Rien n'est encore conservé. Le passage hebdomadaire écrit les mesures de chaque "
        "semaine\u202f; celles de la semaine en cours viennent avec",
    ),
    "monitoring_lead": (
        "What people do with the lists: counted from what was shown and what happened then. An "
        "interval holds the true figure in 95 of 100 cases.",
        "Ce que l'on fait des listes\u202f: d'après ce qui fut montré et ce qui s'ensuivit. Un "
        "intervalle contient la vraie valeur 95 fois sur 100.",
    ),
    "figures_of_week": ("Figures of the week", "Mesures de la semaine"),
    "since_before": (
        "{change} since the week before",
        "{change} depuis la semaine précédente",
    ),
    "from_to": ("({low} to {high})", "({low} à {high})"),
    "no_change": ("nothing to compare with", "rien à comparer"),
    "not_told": ("cannot be told", "inconnu"),
    "points": ("{number} points", "{number} points"),
    "weeks_by_arm": ("{metric}: by week and arm", "{metric}\u202f: par semaine et bras"),
    "by_rank": ("{metric}: by position in the list", "{metric}\u202f: par position dans la liste"),
    "by_segment": ("{metric}: by segment", "{metric}\u202f: par segment"),
    "by_day": ("{metric}: by day", "{metric}\u202f: par jour"),
    "position": ("Position", "Position"),
    "segment": ("Segment", "Segment"),
    "day": ("Day", "Jour"),
    "as_table": ("As a table", "En tableau"),
    "users": ("Users", "Utilisateurs"),
    "alarms": ("Alarms", "Alarmes"),
    "no_alarms": ("No alarm this week.", "Aucune alarme cette semaine."),
    "level_error": ("broken", "panne"),
    "level_warning": ("look", "à voir"),
    "goals": ("Goals", "Objectifs"),
    "goal": ("Goal", "Objectif"),
    "wanted": ("Wanted", "Voulu"),
    "found": ("Found", "Constaté"),
    "no_goals": ("No goals are set.", "Aucun objectif n'est fixé."),
    "goal_met": ("met", "atteint"),
    "goal_missed": ("missed", "manqué"),
    "goal_cannot tell": ("cannot tell", "indécis"),
    "click_through": ("Click-through", "Taux de clics"),
    "list_click_through": ("Lists with a click", "Listes avec un clic"),
    "clicks": ("Clicks per user and week", "Clics par personne et semaine"),
    "watch_minutes": (
        "Minutes watched per user and week",
        "Minutes vues par personne et semaine",
    ),
    "satisfaction": ("Satisfaction (mean rating)", "Satisfaction (note moyenne)"),
    "active_days": ("Active days per user and week", "Jours actifs par personne et semaine"),
    "return_rate": ("Users who return", "Personnes qui reviennent"),
    "churn_rate": ("Users who leave", "Personnes qui partent"),
    "fallback_share": ("Lists that are not personal", "Listes non personnelles"),
    "coverage": ("Catalogue shown", "Catalogue montré"),
    "concentration": ("Concentration (Gini)", "Concentration (Gini)"),
    "availability": ("Availability", "Disponibilité"),
    "latency_p99": ("99 of 100 answers within", "99 réponses sur 100 en"),
    "milliseconds": ("{number} ms", "{number} ms"),
    # experiments
    "experiments_lead": (
        "Recipes compared among users. The intervals hold at every look: reading them each week "
        "is safe.",
        "Des recettes comparées entre utilisateurs. Les intervalles tiennent à chaque "
        "regard\u202f: les lire chaque semaine est sûr.",
    ),
    "no_experiments": (
        "No experiment is running, and none was looked at. Start one with",
        "Aucune expérience en cours ni observée. Commencez-en une avec",
    ),
    "start_one": ("Start another with", "Commencez-en une autre avec"),
    "runs": ("running", "en cours"),
    "waits": ("waiting", "en attente"),
    "ended": ("over", "terminée"),
    "waits_long": (
        "It begins once each of its recipes has a release: the next weekly run makes them.",
        "Elle commence dès que chaque recette a sa version\u202f: le prochain passage les crée.",
    ),
    "no_result": (
        "Nothing can be said yet: the weekly run looks at it for the first time after its first "
        "week.",
        "Rien à dire encore\u202f: le passage hebdomadaire l'observe après sa première semaine.",
    ),
    "better_verdict": ("better", "mieux"),
    "worse_verdict": ("worse", "moins bien"),
    "no difference yet": ("no difference yet", "pas encore de différence"),
    "equivalent": ("equivalent", "équivalents"),
    "broken": ("broken", "faussée"),
    "stopped": ("stopped", "arrêtée"),
    "arm": ("Arm", "Bras"),
    "arms": ("Arms", "Bras"),
    "control": ("control", "témoin"),
    "weight": ("Weight", "Poids"),
    "answered_by": ("Answered by", "Répond"),
    "in_service_release": ("the release in service", "la version en service"),
    "arm_away": ("its release cannot be loaded", "sa version ne se charge pas"),
    "arm_stopped": ("stopped: gets what the control gets", "arrêté\u202f: reçoit comme le témoin"),
    "effects_of": ("Arm {arm} against {control}", "Bras {arm} face à {control}"),
    "effect_over_weeks": (
        "{metric}: change against the control, by week",
        "{metric}\u202f: écart au témoin, par semaine",
    ),
    "control_figure": ("Control", "Témoin"),
    "arm_figure": ("Arm", "Bras"),
    "sample_ratio": ("Users by arm", "Utilisateurs par bras"),
    "ratio_fine": ("Users are shared out as declared.", "La répartition est celle déclarée."),
    "ratio_broken": (
        "Users are not shared out as declared: nothing can be concluded before the cause is found.",
        "La répartition n'est pas celle déclarée\u202f: rien à conclure avant d'en trouver la "
        "cause.",
    ),
    "expected": ("Declared", "Déclaré"),
    "guardrails": ("Guardrails", "Garde-fous"),
    "planned": ("Planned and reached", "Prévu et atteint"),
    "planned_weeks": (
        "{weeks} weeks so far; {needed} are needed to find a change of {effect} with {power} "
        "certainty.",
        "{weeks} semaines jusqu'ici\u202f; il en faut {needed} pour trouver un écart de {effect} "
        "avec {power} de certitude.",
    ),
    "planned_unknown": (
        "{weeks} weeks so far; how many are needed cannot be told yet.",
        "{weeks} semaines jusqu'ici\u202f; le nombre nécessaire est encore inconnu.",
    ),
    "looked_at": ("Looked at on {day}", "Observée le {day}"),
    "holdout": ("Permanent holdout", "Groupe témoin permanent"),
    "holdout_share": (
        "{share} of the users keep the recipe of the holdout for ever: against them the whole "
        "system is measured.",
        "{share} des utilisateurs gardent la recette du groupe témoin\u202f: tout le système se "
        "mesure à eux.",
    ),
    "no_holdout": (
        "There is none: experiments.holdout in the settings sets one up.",
        "Il n'y en a pas\u202f: experiments.holdout dans les réglages en crée un.",
    ),
    # reports
    "report_lead": (
        "One page for each week: what changed, whether it helped, and what to do.",
        "Une page par semaine\u202f: ce qui a changé, si cela a aidé, et que faire.",
    ),
    "open_report": ("Read the report", "Lire le rapport"),
    "as_markdown": ("Markdown", "Markdown"),
    "older_reports": ("Older weeks", "Semaines précédentes"),
    "no_report_file": (
        "This week has figures and no report.",
        "Cette semaine a des mesures mais pas de rapport.",
    ),
    "goals_short": (
        "Goals: {met} met, {missed} missed, {cannot} cannot be told",
        "Objectifs\u202f: {met} atteints, {missed} manqués, {cannot} indécis",
    ),
    "alarms_short": ("Alarms: {count}", "Alarmes\u202f: {count}"),
    "broken-week": (
        "The figures of this week cannot be read. Make them again with",
        "Les mesures de cette semaine ne peuvent être lues. Refaites-les avec",
    ),
    "unknown-week": ("Nothing is kept of this week", "Rien n'est conservé de cette semaine"),
    # a user
    "in_experiment": ("Experiment and release", "Expérience et version"),
    "user_arm": (
        "In arm {arm} of experiment {experiment}.",
        "Dans le bras {arm} de l'expérience {experiment}.",
    ),
    "user_no_arm": ("In no experiment.", "Dans aucune expérience."),
    "user_release": ("Answered by release {release}.", "Répond\u202f: la version {release}."),
    "last_answers": ("The last lists shown", "Les dernières listes montrées"),
    "no_answers": ("No list was shown yet.", "Aucune liste montrée encore."),
    "arm_unavailable": (
        "The release of this user's arm cannot answer just now; the one in service does.",
        "La version de ce bras ne peut répondre\u202f; celle en service le fait.",
    ),
}
"""English and French by key."""
