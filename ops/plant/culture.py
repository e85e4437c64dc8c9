"""A fed-batch culture of E. coli as balances: biomass, substrate, oxygen, base, heat and gas.

Monod growth with maintenance; oxygen by a volumetric transfer coefficient; well mixed broth, jacket and head space.
All arrays have shape (B,): many batches side by side.

References
----------
Villadsen, Nielsen & Lidén (2011), Bioreaction Engineering Principles, chapters 3, 5 and 10.
Van 't Riet (1979), Ind. Eng. Chem. Process Des. Dev. 18(3), 357-364 (transfer coefficient).
"""

from dataclasses import dataclass

import numpy as np

from models.arrays.types import FloatArray

# Growth: g biomass, g glucose, mmol oxygen
_HALF_SUBSTRATE = 0.08  # g/L
_HALF_OXYGEN = 0.004  # mmol/L
_MAINTENANCE = 0.03  # g glucose/(g h)
_OXYGEN_FOR_GROWTH = 31.0  # mmol/g biomass, from the degrees of reduction at a yield of 0.45
_OXYGEN_FOR_MAINTENANCE = 1.0  # mmol/(g h)
_RESPIRATORY_QUOTIENT = 1.04  # mol CO2/mol O2
_ACID = 6.0  # mmol/g biomass, ammonia taken up
_BUFFER = 60.0  # mmol/(L pH)
# The contaminant: quick, content with little, wasteful, sour
_OTHER_GROWTH, _OTHER_HALF, _OTHER_YIELD, _OTHER_ACID, _OTHER_OXYGEN = 0.6, 0.03, 0.30, 14.0, 55.0
# Vessel
_FEED_STRENGTH = 500.0  # g glucose/L
_BASE_STRENGTH = 7.0  # mmol/mL
_EVAPORATION = 0.15  # L/h
_OXYGEN_SATURATION = 0.22  # mmol/L under air at 1 bar and 37 °C: 100 %
_AIR_OXYGEN = 0.2095  # mole fraction
_NORMAL_LITRES = 22.414  # per mol
_WATER = 4.18  # kJ/(L K)
_JACKET = 120.0  # L
_RESPIRATION_HEAT = 0.46  # kJ/mmol O2
_ANALYSER_LAG_S = 90.0


@dataclass(slots=True)
class Character:
    """What differs from batch to batch (and, slowly, within one); each (B,)."""

    growth: FloatArray  # 1/h, greatest specific growth rate
    yield_: FloatArray  # g biomass/g glucose
    transfer: FloatArray  # 1/h, at 450 rpm and 600 NL/min
    jacket: FloatArray  # kW/K
    coolant: FloatArray  # °C at the inlet


@dataclass(slots=True)
class Actions:
    """What recipe and control loops (and faults) do to the vessel; each (B,)."""

    feed: FloatArray  # L/h
    base: FloatArray  # mL/min
    air: FloatArray  # NL/min
    agitation: FloatArray  # rpm
    coolant: FloatArray  # L/min
    pressure: FloatArray  # bar above atmospheric


@dataclass(slots=True)
class Culture:
    """The state of B vessels; each (B,)."""

    biomass: FloatArray  # g/L
    other: FloatArray  # g/L, contaminant
    substrate: FloatArray  # g/L
    volume: FloatArray  # L
    oxygen: FloatArray  # mmol/L
    ph: FloatArray
    temperature: FloatArray  # °C
    jacket: FloatArray  # °C
    offgas_co2: FloatArray  # %, as the analyser sees it
    offgas_o2: FloatArray  # %, as the analyser sees it

    @classmethod
    def inoculated(cls, biomass: FloatArray, substrate: FloatArray, volume: FloatArray) -> "Culture":
        """At the moment of inoculation, at 37 °C, pH 6.9 and 95 % oxygen."""
        start = {"biomass": biomass, "substrate": substrate, "volume": volume}
        usual = {"other": 0.0, "oxygen": 0.209, "ph": 6.9, "temperature": 37.0, "jacket": 35.5}
        usual |= {"offgas_co2": 0.1, "offgas_o2": 20.9}
        return cls(**start, **{name: np.full(len(biomass), value) for name, value in usual.items()})

    def advance(self, actions: Actions, character: Character, dt_s: float) -> None:
        """One explicit Euler step of ``dt_s`` seconds; dissolved oxygen, the quick one, implicitly."""
        dt = dt_s / 3600
        comfort, breath = self._comfort(), self.oxygen / (self.oxygen + _HALF_OXYGEN)
        share = self.substrate / (self.substrate + _HALF_SUBSTRATE) * comfort
        other_share = self.substrate / (self.substrate + _OTHER_HALF) * comfort
        growth, other = character.growth * share * breath, _OTHER_GROWTH * other_share * breath
        made, made_other = growth * self.biomass, other * self.other  # g/(L h)
        living = share * breath * self.biomass
        uptake = _OXYGEN_FOR_GROWTH * made + _OXYGEN_FOR_MAINTENANCE * living + _OTHER_OXYGEN * made_other  # mmol/(L h)
        eaten = made / character.yield_ + _MAINTENANCE * living + made_other / _OTHER_YIELD  # g/(L h)
        inflow = actions.feed + actions.base * 0.06  # L/h
        thinner = inflow / self.volume  # 1/h
        self._gases(actions, uptake, dt_s)
        self._oxygenate(actions, character, uptake / breath.clip(1e-9), dt)
        self._heat(actions, character, uptake, dt_s)
        fed = actions.feed * _FEED_STRENGTH / self.volume  # g/(L h)
        sour = _ACID * made + _OTHER_ACID * made_other  # mmol/(L h)
        self.ph = self.ph + dt * (actions.base * 60 * _BASE_STRENGTH / self.volume - sour) / _BUFFER
        self.biomass = self.biomass + dt * (made - thinner * self.biomass)
        self.other = self.other + dt * (made_other - thinner * self.other)
        self.substrate = np.maximum(self.substrate + dt * (fed - eaten - thinner * self.substrate), 0.0)
        self.volume = self.volume + dt * (inflow - _EVAPORATION)

    # -- inside --------------------------------------------------------------------------------------------------

    def _comfort(self) -> FloatArray:
        """What temperature and pH leave of growth: 1 at 37 °C and pH 6.9."""
        comfort: FloatArray = np.exp(-(((self.temperature - 37.0) / 6.0) ** 2) - ((self.ph - 6.9) / 0.7) ** 2)
        return comfort

    def _gases(self, actions: Actions, uptake: FloatArray, dt_s: float) -> None:
        air = actions.air.clip(1.0) * 60 / _NORMAL_LITRES * 1000  # mmol/h
        consumed = uptake * self.volume / air
        co2, o2 = 100 * (consumed * _RESPIRATORY_QUOTIENT + 0.0004), 100 * np.maximum(_AIR_OXYGEN - consumed, 0.0)
        self.offgas_co2 = self.offgas_co2 + dt_s / _ANALYSER_LAG_S * (co2 - self.offgas_co2)
        self.offgas_o2 = self.offgas_o2 + dt_s / _ANALYSER_LAG_S * (o2 - self.offgas_o2)

    def _oxygenate(self, actions: Actions, character: Character, demand: FloatArray, dt: float) -> None:
        """``demand``: uptake in mmol/(L h) at ample oxygen."""
        rate = character.transfer * (actions.agitation / 450) ** 2 * (actions.air / 600).clip(1e-3) ** 0.4  # 1/h
        full = _OXYGEN_SATURATION * (1 + actions.pressure) * self.offgas_o2 / 100 / _AIR_OXYGEN  # mmol/L
        self.oxygen = (self.oxygen + dt * rate * full) / (1 + dt * rate + dt * demand / (self.oxygen + _HALF_OXYGEN))

    def _heat(self, actions: Actions, character: Character, uptake: FloatArray, dt_s: float) -> None:
        born = _RESPIRATION_HEAT * uptake * self.volume / 3600 + 0.6 + 2.5 * (actions.agitation / 450) ** 3  # kW
        through = character.jacket * (self.temperature - self.jacket)  # kW
        carried = actions.coolant / 60 * _WATER * (self.jacket - character.coolant)  # kW
        self.temperature = self.temperature + dt_s * (born - through) / (_WATER * self.volume)
        self.jacket = self.jacket + dt_s * (through - carried) / (_WATER * _JACKET)


def oxygen_percent(oxygen: FloatArray) -> FloatArray:
    """Dissolved oxygen in % of saturation under air at 1 bar, from mmol/L."""
    return oxygen / _OXYGEN_SATURATION * 100
