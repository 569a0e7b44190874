r"""The 120 problems as data, in pykan's order, under the names of Udrescu & Tegmark (2020).

Formulas are text, read by the grammar of `ascribe.kan.symbolic.parse`; ranges are pykan's, with $\pi$ as a number.
Where a formula departs from pykan 0.2.8's: 20 has u + v above the line in formula and values (pykan: u + v in one, u v
in the other), 32 has Larmor's $6\pi$, 113 has alpha x / y (pykan: y / x in the formula), and the values of 114 exist.
The exponent of 110 is the fraction 3/2, not a float. 22 and 60 bear the names of their chapters, I.18.12 and II.10.9.

Every formula is real and finite inside its ranges. At the edge of their ranges, where a draw falls with probability 0:
- 6, 17, 18, 67, 68, 117 and 105 have v = c (0 or a pole of the Lorentz factor, 0/0 in 105), 71 a pole there;
- 33 has a pole at omega = omega_0 = 1, 114 at y = d = 1, 115 at r = d with alpha = 0, and at r = d = 0;
- 86, 87, 90 are 0/0 where hbar, omega, t or omega - omega_0 is 0 (90 all along omega = omega_0: its limit is finite);
- 113, 120 and the like divide by what their ranges keep away from 0.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import pi
from typing import Final

Range = tuple[float, float]


@dataclass(frozen=True)
class Problem:
    """A formula, the ranges of its variables in the order of the columns of its data, and what it is called."""

    number: int
    name: str
    formula: str
    ranges: dict[str, Range]
    aliases: tuple[str, ...] = field(default=())

    @property
    def variables(self) -> list[str]:
        """The names of the variables, one a column."""
        return list(self.ranges)


def _over(variables: str, *ranges: Range) -> dict[str, Range]:
    """Variables with their ranges; one range may stand for all."""
    names = variables.split()
    full = ranges * len(names) if len(ranges) == 1 else ranges
    return dict(zip(names, full, strict=True))


_A: Final = (0.0, 1.0)  # an amount
_S: Final = (-1.0, 1.0)  # an amount with a sign
_D: Final = (0.5, 2.0)  # a divisor
_T: Final = (0.0, 2 * pi)  # a full turn
_C: Final = (1.0, 2.0)  # a speed of light
_V: Final = (1.1, 2.0)  # a speed of light with room below
_R: Final = (0.1 * pi, 0.9 * pi)  # a scattering angle

PROBLEMS: Final[tuple[Problem, ...]] = (
    Problem(1, "I.6.20a", "exp(-theta**2/2)/sqrt(2*pi)", _over("theta", (-3.0, 3.0))),
    Problem(2, "I.6.20", "exp(-theta**2/(2*sigma**2))/sqrt(2*pi*sigma**2)", _over("theta sigma", _S, _D)),
    Problem(
        3,
        "I.6.20b",
        "exp(-(theta - theta1)**2/(2*sigma**2))/sqrt(2*pi*sigma**2)",
        _over("theta theta1 sigma", (-1.5, 1.5), (-1.5, 1.5), _D),
    ),
    Problem(4, "I.8.4", "sqrt((x2 - x1)**2 + (y2 - y1)**2)", _over("x1 x2 y1 y2", _S)),
    Problem(
        5,
        "I.9.18",
        "G*m1*m2/((x2 - x1)**2 + (y2 - y1)**2 + (z2 - z1)**2)",
        _over(
            "G m1 m2 x1 x2 y1 y2 z1 z2",
            _S,
            _S,
            _S,
            (-1.0, -0.5),
            (0.5, 1.0),
            (-1.0, -0.5),
            (0.5, 1.0),
            (-1.0, -0.5),
            (0.5, 1.0),
        ),
    ),
    Problem(6, "I.10.7", "m0/sqrt(1 - v**2/c**2)", _over("m0 v c", _A, _A, _C)),
    Problem(7, "I.11.19", "x1*y1 + x2*y2 + x3*y3", _over("x1 y1 x2 y2 x3 y3", _S)),
    Problem(8, "I.12.1", "mu*N_n", _over("mu N_n", _S)),
    Problem(9, "I.12.2", "q1*q2/(4*pi*epsilon*r**2)", _over("q1 q2 epsilon r", _S, _S, _D, _D)),
    Problem(10, "I.12.4", "q1/(4*pi*epsilon*r**2)", _over("q1 epsilon r", _S, _D, _D)),
    Problem(11, "I.12.5", "q2*E_f", _over("q2 E_f", _S)),
    Problem(12, "I.12.11", "q*(E_f + B*v*sin(theta))", _over("q E_f B v theta", _S, _S, _S, _S, _T)),
    Problem(13, "I.13.4", "m*(v**2 + u**2 + w**2)/2", _over("m u v w", _S)),
    Problem(14, "I.13.12", "G*m1*m2*(1/r2 - 1/r1)", _over("G m1 m2 r1 r2", _A, _A, _A, _D, _D)),
    Problem(15, "I.14.3", "m*g*z", _over("m g z", _A, _A, _S)),
    Problem(16, "I.14.4", "k_s*x**2/2", _over("k_s x", _A, _S)),
    Problem(17, "I.15.3x", "(x - u*t)/sqrt(1 - u**2/c**2)", _over("x u t c", _S, _S, _S, _C)),
    Problem(18, "I.15.3t", "(t - u*x/c**2)/sqrt(1 - u**2/c**2)", _over("t u x c", _S, _S, _S, _C)),
    Problem(19, "I.15.10", "m0*v/sqrt(1 - v**2/c**2)", _over("m0 v c", _S, (-0.9, 0.9), _V)),
    Problem(20, "I.16.6", "(u + v)/(1 + u*v/c**2)", _over("u v c", (-0.8, 0.8), (-0.8, 0.8), _C)),
    Problem(21, "I.18.4", "(m1*r1 + m2*r2)/(m1 + m2)", _over("m1 r1 m2 r2", (0.5, 1.0), _S, (0.5, 1.0), _S)),
    Problem(22, "I.18.12", "r*F*sin(theta)", _over("r F theta", _S, _S, _T)),
    Problem(23, "I.18.16", "m*r*v*sin(theta)", _over("m r v theta", _S, _S, _S, _T)),
    Problem(24, "I.24.6", "m*(omega**2 + omega_0**2)*x**2/4", _over("m omega omega_0 x", _A, _S, _S, _S)),
    Problem(25, "I.25.13", "q/C", _over("q C", _S, _D)),
    Problem(26, "I.26.2", "asin(n*sin(theta2))", _over("n theta2", (0.0, 0.99), _T)),
    Problem(27, "I.27.6", "1/(1/d1 + n/d2)", _over("d1 d2 n", _D, _C, _D)),
    Problem(28, "I.29.4", "omega/c", _over("omega c", _A, _D)),
    Problem(
        29,
        "I.29.16",
        "sqrt(x1**2 + x2**2 - 2*x1*x2*cos(theta1 - theta2))",
        _over("x1 x2 theta1 theta2", _S, _S, _T, _T),
    ),
    Problem(
        30,
        "I.30.3",
        "I_0*sin(n*theta/2)**2/sin(theta/2)**2",
        _over("I_0 n theta", _A, (0.0, 4.0), (0.4 * pi, 1.6 * pi)),
    ),
    Problem(31, "I.30.5", "asin(lambda/(n*d))", _over("lambda n d", _S, (1.0, 1.5), (1.0, 1.5))),
    Problem(32, "I.32.5", "q**2*a**2/(6*pi*epsilon*c**3)", _over("q a epsilon c", _S, _S, _D, _D)),
    Problem(
        33,
        "I.32.17",
        "(epsilon*c*E_f**2/2)*(8*pi*r**2/3)*(omega**4/(omega**2 - omega_0**2)**2)",
        _over("epsilon c E_f r omega omega_0", _A, _A, _S, _A, _A, _C),
    ),
    Problem(34, "I.34.8", "q*V*B/p", _over("q V B p", _S, _S, _S, _D)),
    Problem(35, "I.34.10", "omega_0/(1 - v/c)", _over("omega_0 v c", _A, (0.0, 0.9), _V)),
    Problem(36, "I.34.14", "omega_0*(1 + v/c)/sqrt(1 - v**2/c**2)", _over("omega_0 v c", _A, (-0.9, 0.9), _V)),
    Problem(37, "I.34.27", "hbar*omega", _over("hbar omega", _S)),
    Problem(38, "I.37.4", "I_1 + I_2 + 2*sqrt(I_1*I_2)*cos(delta)", _over("I_1 I_2 delta", (0.1, 1.0), (0.1, 1.0), _T)),
    Problem(39, "I.38.12", "4*pi*epsilon*hbar**2/(m*q**2)", _over("epsilon hbar m q", _A, _A, _D, _D)),
    Problem(40, "I.39.10", "3*p_F*V/2", _over("p_F V", _A)),
    Problem(41, "I.39.11", "p_F*V/(gamma - 1)", _over("gamma p_F V", (1.5, 3.0), _A, _A)),
    Problem(42, "I.39.22", "n*k_b*T/V", _over("n k_b T V", _A, _A, _A, _D)),
    Problem(43, "I.40.1", "n_0*exp(-m*g*x/(k_b*T))", _over("n_0 m g x k_b T", _A, _S, _S, _S, _C, _C)),
    Problem(
        44,
        "I.41.16",
        "hbar*omega**3/(pi**2*c**2*(exp(hbar*omega/(k_b*T)) - 1))",
        _over("hbar omega c k_b T", (0.5, 1.0), (0.5, 1.0), _D, _D, _D),
    ),
    Problem(45, "I.43.16", "mu*q*V_e/d", _over("mu q V_e d", _A, _A, _A, _D)),
    Problem(46, "I.43.31", "mu*k_b*T", _over("mu k_b T", _A)),
    Problem(47, "I.43.43", "k_b*v/A/(gamma - 1)", _over("gamma k_b v A", (1.5, 3.0), _A, _A, _D)),
    Problem(48, "I.44.4", "n*k_b*T*log(V_2/V_1)", _over("n k_b T V_1 V_2", _A, _A, _A, _D, _D)),
    Problem(49, "I.47.23", "sqrt(gamma*p/rho)", _over("gamma p rho", (0.1, 1.0), (0.1, 1.0), _D)),
    Problem(50, "I.48.20", "m*c**2/sqrt(1 - v**2/c**2)", _over("m v c", _A, (-0.9, 0.9), _V)),
    Problem(51, "I.50.26", "x_1*(cos(omega*t) + alpha*cos(omega*t)**2)", _over("x_1 alpha omega t", _A, _A, _T, _A)),
    Problem(52, "II.2.42", "kappa*(T_2 - T_1)*A/d", _over("kappa T_1 T_2 A d", _A, _A, _A, _A, _D)),
    Problem(53, "II.3.24", "P/(4*pi*r**2)", _over("P r", _A, _D)),
    Problem(54, "II.4.23", "q/(4*pi*epsilon*r)", _over("q epsilon r", _A, _D, _D)),
    Problem(55, "II.6.11", "1/(4*pi*epsilon)*p_d*cos(theta)/r**2", _over("epsilon p_d theta r", _D, _A, _T, _D)),
    Problem(
        56,
        "II.6.15a",
        "3/(4*pi*epsilon)*p_d*z/r**5*sqrt(x**2 + y**2)",
        _over("epsilon p_d z x y r", _D, _A, _A, _A, _A, _D),
    ),
    Problem(
        57, "II.6.15b", "3/(4*pi*epsilon)*p_d/r**3*cos(theta)*sin(theta)", _over("epsilon p_d r theta", _D, _A, _D, _T)
    ),
    Problem(58, "II.8.7", "3/5*q**2/(4*pi*epsilon*d)", _over("q epsilon d", _A, _D, _D)),
    Problem(59, "II.8.31", "epsilon*E_f**2/2", _over("epsilon E_f", _A)),
    Problem(60, "II.10.9", "sigma/epsilon/(1 + chi)", _over("sigma epsilon chi", _A, _D, _A), ("I.10.9",)),
    Problem(
        61, "II.11.3", "q*E_f/(m*(omega_0**2 - omega**2))", _over("q E_f m omega_0 omega", _A, _A, _D, (1.5, 3.0), _A)
    ),
    Problem(
        62, "II.11.17", "n_0*(1 + p_d*E_f*cos(theta)/(k_b*T))", _over("n_0 p_d E_f theta k_b T", _A, _S, _S, _T, _D, _D)
    ),
    Problem(63, "II.11.20", "n*p_d**2*E_f/(3*k_b*T)", _over("n p_d E_f k_b T", _A, _A, _A, _D, _D)),
    Problem(
        64, "II.11.27", "n*alpha/(1 - n*alpha/3)*epsilon*E_f", _over("n alpha epsilon E_f", _A, (0.0, 2.0), _A, _A)
    ),
    Problem(65, "II.11.28", "1 + n*alpha/(1 - n*alpha/3)", _over("n alpha", _A, (0.0, 2.0))),
    Problem(66, "II.13.17", "1/(4*pi*epsilon*c**2)*(2*l/r)", _over("epsilon c l r", _D, _D, _A, _D)),
    Problem(67, "II.13.23", "rho/sqrt(1 - v**2/c**2)", _over("rho v c", _A, _A, _C)),
    Problem(68, "II.13.34", "rho*v/sqrt(1 - v**2/c**2)", _over("rho v c", _A, _A, _C)),
    Problem(69, "II.15.4", "-mu_M*B*cos(theta)", _over("mu_M B theta", _A, _A, _T)),
    Problem(70, "II.15.5", "-p_d*E_f*cos(theta)", _over("p_d E_f theta", _A, _A, _T)),
    Problem(71, "II.21.32", "q/(4*pi*epsilon*r*(1 - v/c))", _over("q epsilon r v c", _A, _D, _D, _A, _C)),
    Problem(
        72, "II.24.17", "sqrt(omega**2/c**2 - pi**2/d**2)", _over("omega c d", (1.0, 1.5), (0.75, 1.0), (pi, 1.5 * pi))
    ),
    Problem(73, "II.27.16", "epsilon*c*E_f**2", _over("epsilon c E_f", _A, _A, _S)),
    Problem(74, "II.27.18", "epsilon*E_f**2", _over("epsilon E_f", _A, _S)),
    Problem(75, "II.34.2a", "q*v/(2*pi*r)", _over("q v r", _A, _A, _D)),
    Problem(76, "II.34.2", "q*v*r/2", _over("q v r", _A)),
    Problem(77, "II.34.11", "g*q*B/(2*m)", _over("g q B m", _A, _A, _A, _D)),
    Problem(78, "II.34.29a", "q*h/(4*pi*m)", _over("q h m", _A, _A, _D)),
    Problem(79, "II.34.29b", "g*mu*B*J/hbar", _over("g mu B J hbar", _A, _A, _A, _A, _D)),
    Problem(80, "II.35.18", "n0/(exp(mu*B/(k_b*T)) + exp(-mu*B/(k_b*T)))", _over("n0 mu B k_b T", _A, _A, _A, _D, _D)),
    Problem(81, "II.35.21", "n*mu*tanh(mu*B/(k_b*T))", _over("n mu B k_b T", _A, _A, _A, _D, _D)),
    Problem(
        82,
        "II.36.38",
        "mu*B/(k_b*T) + mu*alpha*M/(epsilon*c**2*k_b*T)",
        _over("mu B k_b T alpha M epsilon c", _A, _A, _D, _D, _A, _A, _D, _D),
    ),
    Problem(83, "II.37.1", "mu*(1 + chi)*B", _over("mu chi B", _A)),
    Problem(84, "II.38.3", "Y*A*x/d", _over("Y A x d", _A, _A, _A, _D)),
    Problem(85, "II.38.14", "Y/(2*(1 + sigma))", _over("Y sigma", _A)),
    Problem(
        86, "III.4.32", "1/(exp(hbar*omega/(k_b*T)) - 1)", _over("hbar omega k_b T", (0.5, 1.0), (0.5, 1.0), _D, _D)
    ),
    Problem(87, "III.4.33", "hbar*omega/(exp(hbar*omega/(k_b*T)) - 1)", _over("hbar omega k_b T", _A, _A, _D, _D)),
    Problem(88, "III.7.38", "2*mu*B/hbar", _over("mu B hbar", _A, _A, _D)),
    Problem(89, "III.8.54", "sin(E*t/hbar)**2", _over("E t hbar", _T, _A, _D)),
    Problem(
        90,
        "III.9.52",
        "p_d*E_f*t/hbar*sin((omega - omega_0)*t/2)**2/((omega - omega_0)*t/2)**2",
        _over("p_d E_f t hbar omega omega_0", _A, _A, _A, _D, (0.0, pi), (0.0, pi)),
    ),
    Problem(91, "III.10.19", "mu*sqrt(B_x**2 + B_y**2 + B_z**2)", _over("mu B_x B_y B_z", _A)),
    Problem(92, "III.12.43", "n*hbar", _over("n hbar", _A)),
    Problem(93, "III.13.18", "2*E*d**2*k/hbar", _over("E d k hbar", _A, _A, _A, _D)),
    Problem(94, "III.14.14", "I_0*(exp(q*V_e/(k_b*T)) - 1)", _over("I_0 q V_e k_b T", _A, _A, _A, _D, _D)),
    Problem(95, "III.15.12", "2*U*(1 - cos(k*d))", _over("U k d", _A, _T, _A)),
    Problem(96, "III.15.14", "hbar**2/(2*E*d**2)", _over("hbar E d", _A, _D, _D)),
    Problem(97, "III.15.27", "2*pi*alpha/(n*d)", _over("alpha n d", _A, _D, _D)),
    Problem(98, "III.17.37", "beta*(1 + alpha*cos(theta))", _over("beta alpha theta", _A, _A, _T)),
    Problem(
        99, "III.19.51", "-m*q**4/(2*(4*pi*epsilon)**2*hbar**2)*1/n**2", _over("m q epsilon hbar n", _A, _A, _D, _D, _D)
    ),
    Problem(100, "III.21.20", "-rho*q*A/m", _over("rho q A m", _A, _A, _A, _D)),
    Problem(
        101,
        "Rutherford scattering",
        "(Z_1*Z_2*alpha*hbar*c/(4*E*sin(theta/2)**2))**2",
        _over("Z_1 Z_2 alpha hbar c E theta", _A, _A, _A, _A, _A, _D, _R),
        ("Rutherforld scattering",),
    ),
    Problem(
        102, "Friedman equation", "sqrt(8*pi*G/3*rho - k_f*c**2/a_f**2)", _over("G rho k_f c a_f", _C, _C, _A, _A, _C)
    ),
    Problem(103, "Compton scattering", "E/(1 + E/(m*c**2)*(1 - cos(theta)))", _over("E m c theta", _A, _D, _D, _T)),
    Problem(
        104,
        "Radiated gravitational wave power",
        "-32/5*G**4/c**5*(m_1*m_2)**2*(m_1 + m_2)/r**5",
        _over("G c m_1 m_2 r", _A, _D, _A, _A, _D),
    ),
    Problem(
        105,
        "Relativistic aberration",
        "acos((cos(theta_2) - v/c)/(1 - v/c*cos(theta_2)))",
        _over("theta_2 v c", (0.0, pi), _A, _C),
    ),
    Problem(
        106,
        "N-slit diffraction",
        "I_0*(sin(alpha/2)/(alpha/2)*sin(N*delta/2)/sin(delta/2))**2",
        _over("I_0 alpha delta N", _A, _R, _R, (0.5, 1.0)),
    ),
    Problem(
        107, "Goldstein 3.16", "sqrt(2/m*(E - U - L**2/(2*m*r**2)))", _over("m E U L r", _C, (2.0, 3.0), _A, _A, _C)
    ),
    Problem(
        108,
        "Goldstein 3.55",
        "m*k_G/L**2*(1 + sqrt(1 + 2*E*L**2/(m*k_G**2))*cos(theta_1 - theta_2))",
        _over("m k_G L E theta_1 theta_2", _D, _D, _D, _A, _T, _T),
    ),
    Problem(
        109,
        "Goldstein 3.64 (ellipse)",
        "d*(1 - alpha**2)/(1 + alpha*cos(theta_2 - theta_1))",
        _over("d alpha theta_1 theta_2", _A, (0.0, 0.9), _T, _T),
    ),
    Problem(110, "Goldstein 3.74 (Kepler)", "2*pi*d**(3/2)/sqrt(G*(m_1 + m_2))", _over("d G m_1 m_2", _A, _D, _D, _D)),
    Problem(
        111,
        "Goldstein 3.99",
        "sqrt(1 + 2*epsilon**2*E*L**2/(m*(Z_1*Z_2*q**2)**2))",
        _over("epsilon E L m Z_1 Z_2 q", _A, _A, _A, _D, _D, _D, _D),
    ),
    Problem(112, "Goldstein 8.56", "sqrt((p - q*A)**2*c**2 + m**2*c**4) + q*V_e", _over("p q A c m V_e", _A)),
    Problem(
        113,
        "Goldstein 12.80",
        "1/(2*m)*(p**2 + m**2*omega**2*x**2*(1 + alpha*x/y))",
        _over("m p omega x alpha y", _D, _A, _A, _A, _A, _D),
    ),
    Problem(
        114,
        "Jackson 2.11",
        "q/(4*pi*epsilon*y**2)*(4*pi*epsilon*V_e*d - q*d*y**3/(y**2 - d**2)**2)",
        _over("q epsilon y V_e d", _A, _D, _C, _A, _A),
    ),
    Problem(115, "Jackson 3.45", "q/sqrt(r**2 + d**2 - 2*d*r*cos(alpha))", _over("q r d alpha", _A, _A, _A, _T)),
    Problem(
        116,
        "Jackson 4.60",
        "E_f*cos(theta)*((alpha - 1)/(alpha + 2)*d**3/r**2 - r)",
        _over("E_f theta alpha d r", _A, _T, (0.0, 2.0), _A, _D),
    ),
    Problem(
        117,
        "Jackson 11.38 (Doppler)",
        "sqrt(1 - v**2/c**2)/(1 + v/c*cos(theta))*omega",
        _over("omega v c theta", _A, _A, _C, _T),
    ),
    Problem(118, "Weinberg 15.2.1", "3/(8*pi*G)*(c**2*k_f/a_f**2 + H**2)", _over("G c k_f a_f H", _D, _A, _A, _D, _A)),
    Problem(
        119,
        "Weinberg 15.2.2",
        "-1/(8*pi*G)*(c**4*k_f/a_f**2 + c**2*H**2*(1 - 2*alpha))",
        _over("G c k_f a_f H alpha", _D, _A, _A, _D, _A, _A),
    ),
    Problem(
        120,
        "Schwarz 13.132 (Klein-Nishina)",
        "pi*alpha**2*hbar**2/m**2/c**2*(omega_0/omega)**2*(omega_0/omega + omega/omega_0 - sin(theta)**2)",
        _over("alpha hbar m c omega_0 omega theta", _A, _A, _D, _D, _D, _D, _T),
    ),
)
