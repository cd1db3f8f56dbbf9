"""Invented movie titles that read like titles and tell the genre."""

from typing import Final

import numpy as np
import numpy.typing as npt

from recsys_pipeline.simulation.rule import GENRES

_NOUNS: Final = {
    "Action": "Bullet,Pursuit,Fugitive,Convoy,Mercenary,Blade,Ambush,Bounty,Rampage,Outlaw,"
    "Commando,Getaway,Showdown,Sniper,Gauntlet,Vendetta,Crossfire,Raid,Hijack,Warlord,Smuggler,"
    "Detonator,Breakout,Vanguard",
    "Animation": "Dragonfly,Toymaker,Penguin,Lantern,Kite,Hedgehog,Puppet,Teapot,Firefly,Robin,"
    "Acorn,Balloon,Gnome,Otter,Carousel,Snowman,Pirate,Squirrel,Windmill,Unicorn,Rabbit,Pumpkin,"
    "Whale,Sparrow",
    "Sci-Fi": "Orbit,Android,Starship,Signal,Nebula,Colony,Paradox,Satellite,Clone,Singularity,"
    "Beacon,Terraformer,Comet,Algorithm,Wormhole,Simulation,Reactor,Astronaut,Quasar,Cyborg,"
    "Eclipse,Airlock,Probe,Hologram",
    "Drama": "Inheritance,Harbour,Orchard,Promise,Letter,Daughter,Farewell,Verdict,Piano,"
    "Vineyard,Homecoming,Bridge,Funeral,Widow,Border,Confession,Lighthouse,Apprentice,Threshold,"
    "Brother,Garden,Debt,Stranger,Reunion",
    "Comedy": "Wedding,Neighbour,Roommate,Landlord,Babysitter,Honeymoon,Picnic,Dentist,Bachelor,"
    "Goldfish,Plumber,Camper,Mother-in-Law,Cousin,Trampoline,Barbecue,Moustache,Mix-Up,Vacation,"
    "Intern,Sandwich,Wig,Waiter,Talent Show",
    "Thriller": "Witness,Alibi,Informant,Cipher,Hostage,Decoy,Ransom,Suspect,Dossier,Accomplice,"
    "Blackout,Wiretap,Intruder,Conspiracy,Safehouse,Forger,Negotiator,Passenger,Motive,Impostor,"
    "Deadline,Stakeout,Courier,Double Agent",
    "Romance": "Kiss,Valentine,Serenade,Bouquet,Rendezvous,Waltz,Sweetheart,Postcard,Proposal,"
    "Embrace,Rose,Flirt,Ballad,Engagement,Love Song,Candle,Dance,Heartbeat,Tango,Vow,Admirer,"
    "Elopement,First Date,Daydream",
    "Documentary": "Glacier,Beekeeper,Archive,Reef,Expedition,Harvest,Volcano,Migration,Savannah,"
    "River,Cathedral,Shipyard,Rainforest,Laboratory,Marathon,Factory,Telescope,Wetland,"
    "Metropolis,Vaccine,Fossil,Market,Railway,Orchestra",
    "Horror": "Crypt,Séance,Coffin,Haunting,Scarecrow,Cellar,Asylum,Werewolf,Possession,Ritual,"
    "Mortuary,Nightmare,Graveyard,Poltergeist,Curse,Vampire,Revenant,Butcher,Attic,Banshee,"
    "Phantom,Swamp,Ghoul,Gargoyle",
}
"""Nouns of each genre. No two genres share one, so no two genres share a title."""

_ADJECTIVES: Final = (
    "Silent,Broken,Golden,Hidden,Last,Crimson,Distant,Forgotten,Burning,Lonely,Midnight,Second,"
    "Perfect,Secret,Wild,Quiet,Restless,Stolen,Frozen,Brave,Little,Great,Lost,Invisible,Endless,"
    "Scarlet,Velvet,Borrowed,Unlikely,Final,Bitter,Gentle,Paper,Glass,Hollow,Reluctant,Faithful,"
    "Northern,Wandering,Sleepless,Fearless,Improbable,Ancient,Blue,Curious,Elegant,Rusty,Seventh"
)
_PLACES: Final = (
    "Lisbon,Marseille,Brooklyn,Kyoto,Havana,Dakar,Montreal,Naples,Edinburgh,Buenos Aires,Tangier,"
    "Warsaw,Saint-Malo,Nairobi,Seville,Oslo,Vienna,Hanoi,Cairo,Antwerp,Geneva,Riga,Lima,Dublin,"
    "the North,the Valley,the Islands,the Coast,the Old Town,the Desert,the Mountains,the Lakes"
)
_MOMENTS: Final = "at Midnight,at Dawn,at Noon,in Winter,in June,by Night,on Sunday,in the Rain"
_NAMES: Final = (
    "Clara,Hugo,Amina,Victor,Louise,Samir,Elena,Oscar,Ines,Felix,Margot,Diego,Nora,Tomas,Alice,"
    "Idris,Rosa,Jonas,Mei,Lucas,Salome,Emil,Yara,Arthur"
)


def _patterns() -> list[str]:
    """Every title with a gap for the noun."""
    return [
        *(f"The {adjective} {{}}" for adjective in _ADJECTIVES.split(",")),
        *(f"The {{}} of {place}" for place in _PLACES.split(",")),
        *(f"{{}} {moment}" for moment in _MOMENTS.split(",")),
        *(f"{name}'s {{}}" for name in _NAMES.split(",")),
    ]


def invent_titles(genre: npt.NDArray[np.int8], rng: np.random.Generator) -> list[str]:
    """One title per movie, no two alike.

    Args:
        genre: place of each movie's genre in `GENRES`, shape ``(n,)``.

    Returns:
        n titles. A genre that runs out of titles goes on with sequels, such as "Clara's Kiss 2".
    """
    patterns = _patterns()
    titles = [""] * len(genre)
    for place, name in enumerate(GENRES):
        nouns = _NOUNS[name].split(",")
        order = rng.permutation(len(nouns) * len(patterns)).tolist()
        for number, movie in enumerate(np.flatnonzero(genre == place).tolist()):
            part, turn = divmod(number, len(order))
            pattern, noun = divmod(order[turn], len(nouns))
            title = patterns[pattern].format(nouns[noun])
            titles[movie] = f"{title} {part + 1}" if part else title
    return titles
